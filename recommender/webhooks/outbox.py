"""What happened, written for whoever wants to be told, in the transaction in which it happened.

So nothing is told of what was rolled back, and nothing that was committed is lost: the rows wait until they are sent
(webhooks.delivery). Where no endpoint wants an event nothing is written. Messages hold ids and addresses, no texts.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from recommender import jobs
from recommender.models import (
    PING,
    Activation,
    EndUser,
    Item,
    Knowledge,
    Round,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    WebhookMessage,
)
from recommender.prepared import Prepared
from recommender.times import written

ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Happened:
    """One event. `data`: what is told of it; `about`: the end user or item."""

    data: dict[str, Any]
    about: EndUser | Item | None = None


def approved(knowledge: Knowledge, *, replaces: Sequence[int] = (), cause: str = "decision") -> None:
    """`knowledge`: now in force, in place of those of these ids. `cause`: decision or undo."""

    def said() -> Iterable[Happened]:
        told = {"knowledge_id": knowledge.pk, "replaces": list(replaces), "cause": cause}
        yield Happened(told | _text_of(knowledge.turn_id) | _named(knowledge), knowledge.end_user or knowledge.item)

    _put(WebhookEvent.KNOWLEDGE_APPROVED, knowledge.catalog_id, said)


def revoked(knowledge: Sequence[Knowledge], *, cause: str) -> None:
    """`knowledge`: of one catalog, in force no more. `cause`: rejected, undone or erased."""

    def said() -> Iterable[Happened]:
        for one in knowledge:
            told = {"knowledge_id": one.pk, "cause": cause}
            if cause == "erased":  # whoever it was about is named no more
                yield Happened(told | _text_of(None) | {"user_id": None, "item_id": None})
            else:
                yield Happened(told | _text_of(one.turn_id) | _named(one), one.end_user or one.item)

    if knowledge:
        _put(WebhookEvent.KNOWLEDGE_REVOKED, knowledge[0].catalog_id, said)


def activated(activation: Activation) -> None:
    """A version took over, or was gone back to."""

    def said() -> Iterable[Happened]:
        previous = activation.previous
        yield Happened(
            {
                "model_id": activation.version_id,
                "number": activation.version.number,
                "previous_model_id": activation.previous_id,
                "previous_number": previous.number if previous else None,
                "cause": activation.kind,
                "page": reverse("reviews:backbone", args=[activation.version_id]),
            }
        )

    _put(WebhookEvent.MODEL_ACTIVATED, activation.catalog_id, said)


def rested(ids: Sequence[int]) -> None:
    """These rounds have just come to rest; for each catalog that has some a query."""
    for first in range(0, len(ids), ROWS_AT_ONCE):
        some = Round.objects.filter(pk__in=ids[first : first + ROWS_AT_ONCE])
        for catalog in some.order_by("catalog").values_list("catalog", flat=True).distinct():
            _put(WebhookEvent.ROUND_RESTED, catalog, partial(_rested, some.filter(catalog=catalog)))


def _rested(rounds: QuerySet[Round]) -> Iterable[Happened]:
    for one in rounds.select_related("end_user", "item").defer("evidence").order_by("pk"):
        told = {"round_id": one.pk, "batch_id": one.batch_id, "strategy": one.strategy, "rest_reason": one.rest_reason}
        page = {"page": reverse("reviews:round", args=[one.pk])}
        yield Happened(told | page | _named(one), one.subject)


def ping(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """A message for this endpoint alone, to see whether it is heard."""
    (delivery,) = _write(PING, endpoint.catalog_id, [endpoint], [Happened({"endpoint_id": endpoint.pk})])
    return delivery


def _named(row: Knowledge | Round) -> dict[str, str | None]:
    end_user, item = row.end_user, row.item
    return {"user_id": end_user.external_id if end_user else None, "item_id": item.external_id if item else None}


def _text_of(turn: int | None) -> dict[str, Any]:
    """Where the REST API has a text, while it is shown at all."""
    return {"explanation_id": turn, "explanation": turn and reverse("api:explanation", args=[turn])}


# An annotator waits for every decision.
_LISTENING = Prepared(
    lambda *, catalog: WebhookEndpoint.objects.filter(catalog=catalog, disabled_at=None).select_related("catalog")
)


def _put(event: WebhookEvent, catalog: int, said: Callable[[], Iterable[Happened]]) -> None:
    listening = [one for one in _LISTENING.rows(catalog=catalog) if event in one.events]
    if listening:
        _write(event, catalog, listening, said())


def _write(
    kind: str, catalog: int, endpoints: Sequence[WebhookEndpoint], happened: Iterable[Happened]
) -> list[WebhookDelivery]:
    now = timezone.now()
    name = endpoints[0].catalog.name
    messages = [
        WebhookMessage(
            id=uuid.uuid4(),
            catalog_id=catalog,
            type=kind,
            body=_body(kind, written(now), {"catalog": name} | one.data),
            end_user=one.about if isinstance(one.about, EndUser) else None,
            item=one.about if isinstance(one.about, Item) else None,
            created_at=now,
        )
        for one in happened
    ]
    WebhookMessage.objects.bulk_create(messages, batch_size=ROWS_AT_ONCE)
    deliveries = WebhookDelivery.objects.bulk_create(
        [
            WebhookDelivery(message=message, endpoint=endpoint, next_attempt_at=now, begun_at=now)
            for message in messages
            for endpoint in endpoints
        ],
        batch_size=ROWS_AT_ONCE,
    )
    jobs.send(jobs.DELIVER_WEBHOOKS)
    return deliveries


def _body(kind: str, at: str, data: dict[str, Any]) -> str:
    told = {"type": kind, "timestamp": at, "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
