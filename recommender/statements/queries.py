"""Which statements act: those of texts about end users, as people left them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from recommender.grounding.statements import Statement as Said
from recommender.models import EndUser, Holder, Knowledge, Polarity, Source, Statement, Turn
from recommender.prepared import Prepared
from recommender.statements import service

NEVER = 2**63 - 1  # a moment after all there are
OPINIONS = (Polarity.LIKES, Polarity.DISLIKES)
AT_ONCE = 500  # turns asked for together


@dataclass(frozen=True, slots=True)
class Opinion:
    """A statement about an end user that says whether an aspect is liked.

    `weight`: below 1 where several kept drafts share one.
    """

    said: Said
    by_person: bool = False
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Acting:
    """One statement about an end user that people approved. `weight`: below 1 where several kept drafts share one.

    `said_by`: the name of who said it, empty where a model did; `turn_id`: of the text, of several kept drafts the
    first; `approved_by`: of who approved it, empty where it is not known.
    """

    pk: int
    said: Said
    quote: str
    said_by: str
    weight: float
    turn_id: int
    approved_by: str
    approved_at: datetime | None


def acting(end_user: EndUser, *, as_of: int | None = None) -> list[Acting]:
    """Of the end user's latest text in force, which is read first if nobody has, as after an edit.

    `as_of`: the latest of those that use nothing later.

    Two queries, one where there is none, three for several drafts.
    """
    found = _LATEST.rows(end_user=end_user.pk, until=NEVER if as_of is None else as_of)
    latest = found[0] if found else None
    if latest is None:
        return []
    texts = {latest.turn_id: latest.text} | {each["turn"]: each["text"] for each in latest.further_texts}
    if latest.turn.reader is None or len(texts) > 1:
        service.read(service.unread().filter(pk__in=texts))
    by = str(latest.accepted_by) if latest.accepted_by else ""
    return _acting(texts, turn_id=latest.turn_id, approved_by=by, approved_at=latest.accepted_at)


def _latest(*, end_user: int, until: int) -> QuerySet[Knowledge]:
    in_force = Knowledge.objects.filter(end_user=end_user, item=None, in_force=True, as_of__lte=until)
    return in_force.select_related("accepted_by", "turn").order_by("-as_of")[:1]


_LATEST = Prepared(_latest)


def if_approved(turns: Sequence[Turn], *, by: str, now: datetime) -> list[Acting]:
    """What would act were these texts, the kept drafts of one round, approved now. One query, once they are read."""
    if any(turn.reader is None for turn in turns):
        service.read(service.unread().filter(pk__in=[turn.pk for turn in turns]))
    return _acting(
        {turn.pk: turn.text for turn in turns}, turn_id=turns[0].pk if turns else 0, approved_by=by, approved_at=now
    )


def _acting(texts: Mapping[int, str], *, turn_id: int, approved_by: str, approved_at: datetime) -> list[Acting]:
    return [
        Acting(
            pk=row.pk,
            said=(one := service.said(row)),
            quote=row.quote or " ".join(one.quote(texts[row.turn_id]).split()),
            said_by=str(row.account) if row.account else "",
            weight=1 / len(texts),
            turn_id=turn_id,
            approved_by=approved_by,
            approved_at=approved_at,
        )
        for row in _standing(_of_turns(texts))
    ]


def opinions(drafts: Collection[Sequence[int]]) -> dict[int, tuple[Opinion, ...]]:
    """Of texts about end users, each by its turn's id; of several kept drafts (ids of turns) by the first one's.

    Texts that nobody has read are read first.
    """
    turns = [turn for each in drafts for turn in each]
    found: Mapping[int, list[Statement]] = defaultdict(list)
    for first in range(0, len(turns), AT_ONCE):
        some = turns[first : first + AT_ONCE]
        service.read(service.unread().filter(pk__in=some))
        for row in _of_turns(some):
            found[row.turn_id].append(row)
    return {
        each[0]: tuple(
            Opinion(service.said(row), row.source == Source.PERSON, 1 / len(each))
            for row in _standing([row for turn in each for row in found[turn]])
        )
        for each in drafts
    }


def _of_turns(turns: Collection[int]) -> list[Statement]:
    standing = Statement.objects.filter(turn_id__in=turns, ended_at=None, holder=Holder.SUBJECT, polarity__in=OPINIONS)
    return list(standing.select_related("account").order_by("turn_id", "place"))


def _standing(rows: Iterable[Statement]) -> list[Statement]:
    """Of one text. What a person said of an aspect takes the place of what a model's text says of it."""
    rows = list(rows)
    of_people = {row.key for row in rows if row.source == Source.PERSON}
    return [row for row in rows if row.source == Source.PERSON or row.key not in of_people]
