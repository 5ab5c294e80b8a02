"""What pages, commands and REST ask before and after an erasure."""

from typing import Any

from django.db.models import QuerySet

from recommender.erasure import traces
from recommender.erasure.traces import Subject
from recommender.models import (
    Catalog,
    EndUser,
    Erasure,
    Event,
    Interaction,
    Item,
    Knowledge,
    LlmCall,
    Recommendation,
    Round,
    ScoredList,
    ScoredRating,
    SubjectKind,
    Turn,
    WebhookMessage,
)
from recommender.times import written

TABLES: dict[SubjectKind, Any] = {SubjectKind.END_USER: EndUser, SubjectKind.ITEM: Item}


def find(catalog: Catalog, kind: SubjectKind, external_id: str) -> Subject | None:
    """The end user or item of this id, its catalog loaded. Any text may be asked for, also one that no id can be."""
    if "\x00" in external_id:  # PostgreSQL refuses even to compare it
        return None
    found: Subject | None = (
        TABLES[kind].objects.select_related("catalog").filter(catalog=catalog, external_id=external_id).first()
    )
    return found


def what_goes(subject: Subject) -> dict[str, int]:
    """How much an erasure would take away, by what pages call it; what is none is left out."""
    rounds = Round.objects.filter(traces.about(subject))
    interactions = set(Interaction.objects.filter(traces.about(subject)).values_list("pk", flat=True))
    counts = {
        "ratings": len(interactions),
        "events": Event.objects.filter(traces.about(subject)).count(),
        "texts and notes": Turn.objects.filter(round__in=rounds).exclude(text="").count(),
        "approved texts": Knowledge.objects.filter(traces.about(subject)).count(),
        "questions to the AI": LlmCall.objects.filter(round__in=rounds).count(),
        "texts about others that showed them": len(traces.rounds_showing(subject, interactions)),
        "examples of the teacher": len(traces.cases_showing(subject, interactions)),
        "lists scored by an AI": ScoredList.objects.filter(end_user=subject).count()
        if isinstance(subject, EndUser)
        else 0,
        "answers of an AI about ratings": ScoredRating.objects.filter(traces.about(subject)).count(),
        "messages to webhooks": WebhookMessage.objects.filter(traces.about(subject)).count(),
        "served lists": Recommendation.objects.filter(end_user=subject).count() if isinstance(subject, EndUser) else 0,
    }
    return {name: count for name, count in counts.items() if count}


def receipt(erasure: Erasure) -> dict[str, Any]:
    """What whoever asked is told, on paper as on pages: numbers, and what is still to do. It names nobody."""
    content = erasure.content
    return {
        "receipt": erasure.pk,
        "catalog": erasure.catalog.name,
        "kind": erasure.kind,
        "erased_at": written(erasure.created_at, timespec="seconds"),
        "settled": erasure.settled_at is not None,
        "counts": content["counts"],
        "training_rows": content["training_rows"],
        "trained_with": content["trained_with"],
        "adapters": content.get("adapters", []),
        "to_do": to_do(erasure),
    }


def to_do(erasure: Erasure) -> list[str]:
    """What people have to do, in sentences, and what happens by itself."""
    content, said = erasure.content, []
    if erasure.settled_at is None:
        said.append("Within 20 minutes we look once more for what was under way meanwhile.")
    if content["trained_with"]:
        numbers = ", ".join(str(number) for number in content["trained_with"])
        said.append(f"Train a new model: what model {numbers} learnt from it stays in its weights until you do.")
    if any(content["training_rows"].values()):
        said.append("Export training sets again that you have elsewhere: some of their rows are to go.")
    if adapters := content.get("adapters"):
        said.append(f"Tune again: {', '.join(adapters)} learnt from rows that are gone now.")
    return said


def receipts() -> QuerySet[Erasure]:
    """All receipts, the latest first."""
    return Erasure.objects.select_related("catalog", "account").order_by("-pk")
