"""The fields of an entry, read strictly: a misspelt one is an error and not left out. Each says what it may be."""

import json
import math
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from recommender.catalogs.importers import values
from recommender.events.refusals import Code, RefusedError
from recommender.models import Catalog, Clock

SKEW = timedelta(minutes=5)  # by so much another machine's clock may be ahead
LONGEST_TIME = 40  # characters
LONGEST_ATTRIBUTES = 20_000  # characters of JSON
LARGEST_POSITION = 100_000
MOST_NAMED, LONGEST_NAMED = 3, 60  # of what is wrong: so many, and so many characters of each
MAY_BE = "text, a number below 2^63, true, false, or a list of such"


def entry(raw: object, *, known: Collection[str], needed: Collection[str]) -> dict[str, Any]:
    """A JSON object with these fields only, without those that are null. Raises RefusedError."""
    if not isinstance(raw, dict):
        raise RefusedError(Code.NOT_AN_OBJECT, "An entry is a JSON object.")
    if strange := [name for name in raw if name not in known]:
        named = _listed([values.clean(name)[:LONGEST_NAMED] for name in strange[:MOST_NAMED]])
        more = f" and {len(strange) - MOST_NAMED} more" if len(strange) > MOST_NAMED else ""
        raise RefusedError(Code.UNKNOWN_FIELD, f"There is no field {named}{more}. An entry may have {_listed(known)}.")
    given = {name: value for name, value in raw.items() if value is not None}
    for name in needed:
        if name not in given:
            raise RefusedError(Code.MISSING_FIELD, f"`{name}` is missing.")
    return given


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def identifier(raw: object, name: str) -> str:
    """An id, as an import reads it: text of 1 to 128 characters that can be printed, or a whole number."""
    try:
        return values.identifier(raw, f"`{name}`: an")
    except values.BadValueError:
        expected = (
            f"`{name}` must be text of 1 to {values.LONGEST_ID} characters that can be printed, or a whole number."
        )
        raise RefusedError(Code.INVALID_VALUE, expected) from None


def list_id(raw: object) -> UUID:
    try:
        return UUID(raw if isinstance(raw, str) else "")
    except ValueError:
        raise RefusedError(
            Code.INVALID_VALUE, "`recommendation_id` must be the one that came with the list, as it came."
        ) from None


def position(raw: object) -> int:
    if type(raw) is not int or not 1 <= raw <= LARGEST_POSITION:
        raise RefusedError(Code.INVALID_VALUE, f"`position` must be a whole number from 1 to {LARGEST_POSITION}.")
    return raw


def truth(raw: object, name: str) -> bool:
    if not isinstance(raw, bool):
        raise RefusedError(Code.INVALID_VALUE, f"`{name}` must be true or false.")
    return raw


def rating(raw: object, catalog: Catalog, name: str) -> float:
    """A number on the catalog's scale; NaN is on none."""
    if type(raw) not in (int, float):
        raise RefusedError(Code.INVALID_VALUE, f"`{name}` must be a number.")
    assert isinstance(raw, int | float)
    if not catalog.rating_min <= raw <= catalog.rating_max:
        scale = f"from {catalog.rating_min:g} to {catalog.rating_max:g}"
        raise RefusedError(Code.OUTSIDE_SCALE, f"`{name}` must be {scale}, the catalog's scale.")
    return float(raw)


def label(raw: object) -> int:
    if raw not in (0, 1):
        raise RefusedError(Code.INVALID_VALUE, "`label` must be 1 (liked) or 0 (not liked).")
    return int(raw)


def time(raw: object, *, now: datetime) -> datetime:
    """A time in UTC, at most `now`: another machine's clock may be a little ahead."""
    try:
        said = datetime.fromisoformat(raw.upper() if isinstance(raw, str) and len(raw) <= LONGEST_TIME else "")
        at = said.replace(tzinfo=UTC) if said.tzinfo is None else said.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RefusedError(
            Code.INVALID_VALUE,
            "`time` must be an ISO 8601 time such as 2026-11-29T12:30:00Z (UTC unless it says else).",
        ) from None
    if at > now + SKEW:
        raise RefusedError(Code.TIME_IN_FUTURE, "`time` has not come yet. Is it in UTC, or does it name its zone?")
    return min(at, now)


def order(raw: object) -> int:
    if type(raw) is not int or abs(raw) > values.LARGEST_MOMENT:
        raise RefusedError(Code.INVALID_VALUE, "`order` must be a whole number of at most 63 bits.")
    return raw


def moment(catalog: Catalog, user_id: str, item_id: str, *, at: datetime, order: int | None) -> int:
    """Where it stands on the catalog's clock.

    Unix seconds. Where the clock only orders: `order`, or Unix seconds, which come after orders that count. Where no
    order is known: drawn by chance from both ids, so that the two have one interaction, as in an import.
    """
    if catalog.clock == Clock.NONE:
        return values.by_chance(user_id, item_id)
    if order is not None:
        if catalog.clock == Clock.SECONDS:
            raise RefusedError(Code.INVALID_VALUE, "`order` has no meaning here: the catalog's clock counts seconds.")
        return order
    return math.floor(at.timestamp())


def title(raw: object) -> str:
    try:
        if not isinstance(raw, str):
            raise values.BadValueError("no title")
        return values.title(raw)
    except values.BadValueError:
        raise RefusedError(Code.INVALID_VALUE, "`title` must be text with something in it.") from None


def attributes(raw: object) -> dict[str, Any]:
    """Names with text, numbers or lists of them, as an import keeps them: empty ones are left out."""
    if not isinstance(raw, dict):
        raise RefusedError(Code.INVALID_VALUE, f"`attributes` must be an object; each of its members {MAY_BE}.")
    for name, value in raw.items():
        if not may_be_kept(value):
            raise RefusedError(
                Code.INVALID_VALUE, f"`{values.clean(name)[:LONGEST_NAMED]}` of `attributes` must be {MAY_BE}."
            )
    written = values.attributes(raw.items())
    if len(written) > LONGEST_ATTRIBUTES:
        raise RefusedError(
            Code.TOO_LONG, f"`attributes` may take {LONGEST_ATTRIBUTES} characters of JSON; these take {len(written)}."
        )
    kept: dict[str, Any] = json.loads(written)
    return kept


def may_be_kept(value: object) -> bool:
    """Whether an attribute may have this value: MAY_BE. Null is none."""
    if isinstance(value, list):
        return all(isinstance(each, str | int | float) and _is_told(each) for each in value)
    return value is None or (isinstance(value, str | int | float) and _is_told(value))


def _is_told(value: str | int | float) -> bool:
    """NaN and infinity say nothing; a number of hundreds of digits is none that a database or a program reads."""
    return isinstance(value, str) or (math.isfinite(value) if isinstance(value, float) else abs(value) < 2**63)
