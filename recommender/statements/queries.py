"""Which statements act: those of the approved text about an end user, as people left them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from recommender.grounding.statements import Statement as Said
from recommender.models import EndUser, Holder, Knowledge, Polarity, Source, Statement, Turn
from recommender.statements import service

OPINIONS = (Polarity.LIKES, Polarity.DISLIKES)


@dataclass(frozen=True, slots=True)
class Acting:
    """One statement about an end user that people approved. `weight`: below 1 where several kept drafts share one.

    `said_by`: the name of who said it, empty where a model did; `approved_by`: of who approved the text, empty where it
    is not known.
    """

    pk: int
    said: Said
    quote: str
    said_by: str
    weight: float
    knowledge_id: int
    approved_by: str
    approved_at: datetime


def acting(end_user: EndUser) -> list[Acting]:
    """Of the end user's latest text in force. Two queries, one where there is none."""
    latest = (
        Knowledge.objects.filter(end_user=end_user, item=None, in_force=True)
        .select_related("accepted_by")
        .order_by("-as_of")
        .first()
    )
    if latest is None:
        return []
    texts = {latest.turn_id: latest.text} | {each["turn"]: each["text"] for each in latest.further_texts}
    by = str(latest.accepted_by) if latest.accepted_by else ""
    return _acting(texts, knowledge_id=latest.pk, approved_by=by, approved_at=latest.accepted_at)


def if_approved(turns: Sequence[Turn], *, by: str, now: datetime) -> list[Acting]:
    """What would act were these texts, the kept drafts of one round, approved now. One query."""
    return _acting({turn.pk: turn.text for turn in turns}, knowledge_id=0, approved_by=by, approved_at=now)


def _acting(texts: Mapping[int, str], *, knowledge_id: int, approved_by: str, approved_at: datetime) -> list[Acting]:
    """What a person said of an aspect takes the place of what a model's text says of it."""
    standing = Statement.objects.filter(turn_id__in=texts, ended_at=None, holder=Holder.SUBJECT, polarity__in=OPINIONS)
    rows = list(standing.select_related("account").order_by("turn_id", "place"))
    of_people = {row.key for row in rows if row.source == Source.PERSON}
    return [
        Acting(
            pk=row.pk,
            said=(one := service.said(row)),
            quote=row.quote or " ".join(one.quote(texts[row.turn_id]).split()),
            said_by=str(row.account) if row.account else "",
            weight=1 / len(texts),
            knowledge_id=knowledge_id,
            approved_by=approved_by,
            approved_at=approved_at,
        )
        for row in rows
        if row.source == Source.PERSON or row.key not in of_people
    ]
