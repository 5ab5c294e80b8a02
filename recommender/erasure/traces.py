"""Where somebody left traces in rows that are about others, and under which hashes their texts have vectors."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from recommender.grounding.sentences import sentences
from recommender.models import EndUser, Interaction, Item, Knowledge, Round, SubjectKind, TeacherCase, Turn

Subject = EndUser | Item
HISTORIES = ("history", "liker", "disliker", "asked", "target_history")
ROWS_AT_ONCE = 200


def kind_of(subject: Subject) -> SubjectKind:
    return SubjectKind.ITEM if isinstance(subject, Item) else SubjectKind.END_USER


def about(subject: Subject, to: str = "") -> Q:
    """Rows that belong to the subject. `to`: the path to the table that has the two columns, such as "round__"."""
    return Q(**{f"{to}{kind_of(subject)}": subject})


def interactions_of(subject: Subject) -> QuerySet[Interaction]:
    return Interaction.objects.filter(about(subject))


def rounds_showing(subject: Subject, interactions: Collection[int], *, after: int | None = None) -> list[int]:
    """Rounds about others, by number, whose evidence shows any of these interactions. `after`: only later ones.

    A person's history is shown for items that they met; an item may be in any history.
    """
    others = Round.objects.filter(catalog_id=subject.catalog_id, pk__gt=after or 0).exclude(about(subject))
    if isinstance(subject, EndUser):
        others = others.filter(end_user=None)
        if after is None:
            others = others.filter(item__in=interactions_of(subject).values("item"))
    found = others.order_by("pk").values_list("pk", "evidence").iterator(chunk_size=ROWS_AT_ONCE)
    return [pk for pk, evidence in found if shows(evidence, interactions)]


def cases_showing(subject: Subject, interactions: Collection[int], *, after: int = 0) -> list[int]:
    """A teacher's cases, by number, that are about the subject or show any of these interactions."""
    of_catalog = TeacherCase.objects.filter(catalog_id=subject.catalog_id, pk__gt=after)
    theirs = of_catalog.filter(about(subject) | about(subject, "target__")).values_list("pk", flat=True)
    shown = of_catalog.order_by("pk").values_list("pk", "triple").iterator(chunk_size=ROWS_AT_ONCE)
    return sorted({*theirs, *(pk for pk, triple in shown if shows(triple | triple.get("subject", {}), interactions))})


def shows(evidence: Mapping[str, Any], interactions: Collection[int]) -> bool:
    return any(each.get("interaction_id") in interactions for name in HISTORIES for each in evidence.get(name) or ())


def without(evidence: Mapping[str, Any], interactions: Collection[int]) -> dict[str, Any]:
    """A round's evidence without what these interactions show."""
    kept = {
        name: [each for each in evidence[name] if each.get("interaction_id") not in interactions]
        for name in HISTORIES
        if name in evidence
    }
    return dict(evidence) | kept


def texts_about(subject: Subject) -> Iterator[str]:
    """Everything that was written about the subject, by models and by people."""
    yield from Turn.objects.filter(about(subject, "round__")).values_list("text", flat=True)
    for text, further in Knowledge.objects.filter(about(subject)).values_list("text", "further_texts"):
        yield text
        yield from (each["text"] for each in further)


def hashes(texts: Iterable[str]) -> set[str]:
    """Under which hashes the vectors of texts are kept: of each as a whole, and of each statement in it."""
    return {
        hashlib.sha256(part.encode()).hexdigest() for text in set(texts) if text for part in (text, *sentences(text))
    }
