"""An event as it is sent, read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from recommender.events import values
from recommender.events.refusals import Code, RefusedError
from recommender.models import OPINIONS, Catalog, EventType

KNOWN = ("event_id", "type", "user_id", "item_id", "recommendation_id", "position", "value", "time", "order")
NEEDED = ("event_id", "type", "item_id")
TYPES = frozenset(EventType.values)


@dataclass(frozen=True, slots=True)
class Sent:
    """One event. `index`: its place in the call. `moment`: of an opinion, on the catalog's clock."""

    index: int
    event_id: str
    type: str
    user_id: str | None
    item_id: str
    recommendation: UUID | None
    position: int | None
    value: float | None
    at: datetime
    moment: int | None


def event(index: int, raw: object, *, catalog: Catalog, now: datetime) -> Sent:
    """Raises RefusedError."""
    given = values.entry(raw, known=KNOWN, needed=NEEDED)
    kind = given["type"]
    if not isinstance(kind, str) or kind not in TYPES:
        raise RefusedError(Code.UNKNOWN_TYPE, f"`type` must be one of {', '.join(EventType.values)}.")
    event_id, item_id = values.identifier(given["event_id"], "event_id"), values.identifier(given["item_id"], "item_id")
    user_id = values.identifier(given["user_id"], "user_id") if "user_id" in given else None
    listed = values.list_id(given["recommendation_id"]) if "recommendation_id" in given else None
    if kind in OPINIONS and user_id is None:
        raise RefusedError(Code.MISSING_FIELD, f"`user_id` is missing: a {kind} is somebody's.")
    if listed is None and kind == EventType.EXPLANATION_HELPFUL:
        raise RefusedError(Code.MISSING_FIELD, "`recommendation_id` is missing: it says which list this is about.")
    if listed is None and user_id is None:
        raise RefusedError(
            Code.MISSING_FIELD,
            f"`user_id` is missing: whose {kind} it is. Of a visitor without an id send the list, `recommendation_id`.",
        )
    at = values.time(given["time"], now=now) if "time" in given else now
    order = values.order(given["order"]) if "order" in given else None
    moment = None
    if kind in OPINIONS:
        assert user_id is not None
        moment = values.moment(catalog, user_id, item_id, at=at, order=order)
    position = values.position(given["position"]) if "position" in given else None
    value = _value(kind, given, catalog)
    return Sent(index, event_id, kind, user_id, item_id, listed, position, value, at, moment)


def _value(kind: str, given: dict[str, Any], catalog: Catalog) -> float | None:
    """A rating; whether an explanation helped, which it did unless told otherwise; of other events there is none."""
    if kind == EventType.RATING:
        if "value" not in given:
            raise RefusedError(Code.MISSING_FIELD, "`value` is missing: the rating.")
        return values.rating(given["value"], catalog, "value")
    if kind == EventType.EXPLANATION_HELPFUL:
        return float(values.truth(given.get("value", True), "value"))
    if "value" in given:
        raise RefusedError(Code.INVALID_VALUE, f"`value` has no meaning for a {kind}.")
    return None
