"""Which statements act: those of texts about end users, as people left them, and what end users say themselves."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import F, Q, QuerySet

from recommender.grounding.statements import Statement as Said
from recommender.models import Clock, EndUser, Holder, Knowledge, Polarity, Source, Statement, Turn
from recommender.prepared import Prepared
from recommender.statements import service

NEVER = 2**63 - 1  # a moment after all there are
_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
OPINIONS = (Polarity.LIKES, Polarity.DISLIKES)
THE_USER = "the user"  # who said it, where the end user did
AT_ONCE = 500  # turns asked for together
_SAYS = Q(polarity__in=OPINIONS) | Q(polarity=Polarity.MIXED, source=Source.PERSON)  # a model's doubt silences nobody
_OF_TURNS = Q(ended_at=None, holder=Holder.SUBJECT) & _SAYS


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
    """One statement about an end user that people approved, or that they said themself.

    `weight`: below 1 where several kept drafts share one.

    `said_by`: the name of who said it, THE_USER where they did, empty where a model did; `turn_id`: of the text, of
    several kept drafts the first, 0 without a text; `approved_by`: of who approved it, empty where it is not known.
    """

    pk: int
    said: Said
    quote: str
    said_by: str
    weight: float
    turn_id: int
    approved_by: str
    approved_at: datetime | None

    @property
    def is_own(self) -> bool:
        """Whether the end user said it themself, and it is kept: it belongs to no text."""
        return self.turn_id == 0 and self.pk > 0


def acting(end_user: EndUser, *, as_of: int | None = None) -> list[Acting]:
    """Of the end user's latest text in force, which is read first if nobody has, as after an edit; and their own.

    `as_of`: the latest of those that use nothing later. `end_user.catalog` is loaded where it is given.

    Two queries, three for several drafts.
    """
    return approved(end_user, as_of=as_of)[1]


def approved(end_user: EndUser, *, as_of: int | None = None) -> tuple[Knowledge | None, list[Acting]]:
    """The latest text in force, and what acts of it and of their own, as `acting` reads them."""
    latest = text_in_force(end_user, as_of=as_of)
    rows = of_person(end_user, list(texts_of(latest)), as_of=as_of)
    return latest, _acting(rows, latest)


def text_in_force(end_user: EndUser, *, as_of: int | None = None) -> Knowledge | None:
    """The latest, with its turn and who approved it; its statements have been read."""
    found = _LATEST.rows(end_user=end_user.pk, until=NEVER if as_of is None else as_of)
    latest = found[0] if found else None
    if latest is not None and (latest.turn.reader is None or latest.further_texts):
        service.read(service.unread().filter(pk__in=latest.turn_ids))
    return latest


def _latest(*, end_user: int, until: int) -> QuerySet[Knowledge]:
    in_force = Knowledge.objects.filter(end_user=end_user, item=None, in_force=True, as_of__lte=until)
    return in_force.select_related("accepted_by", "turn").order_by("-as_of")[:1]


_LATEST = Prepared(_latest)


def texts_of(knowledge: Knowledge | None) -> dict[int, str]:
    """By the turns that wrote them, the first kept draft first."""
    if knowledge is None:
        return {}
    return {knowledge.turn_id: knowledge.text} | {each["turn"]: each["text"] for each in knowledge.further_texts}


def of_person(end_user: EndUser, turns: Collection[int], *, as_of: int | None = None) -> list[Statement]:
    """The standing statements of texts about them, and their own that count; of a moment, what was said until then.

    Where the clock only orders, nobody knows what they said before a moment of it.
    """
    values: dict[str, int | datetime] = {f"turn{place}": turn for place, turn in enumerate(turns)}
    if as_of is None or end_user.catalog.clock == Clock.SECONDS:
        values |= {
            "end_user": end_user.pk,
            "until": _FOREVER if as_of is None else datetime.fromtimestamp(as_of, tz=UTC),
        }
    return _STANDING.rows(*values, **values) if values else []


def _standing(*_: str, end_user: int = 0, until: datetime = _FOREVER, **turns: int) -> QuerySet[Statement]:
    own = Q(end_user=end_user, ended_at=None, began_at__lte=until)
    of_texts = _OF_TURNS & Q(turn_id__in=list(turns.values()))
    return _rows(of_texts | own if end_user else of_texts) if turns else _rows(own)


def all_of_person(end_user: EndUser, turns: Collection[int]) -> list[Statement]:
    """All that they ever said, and all that these texts say or said of them, with who struck what."""
    rows = Statement.objects.filter(Q(turn_id__in=turns, holder=Holder.SUBJECT) | Q(end_user=end_user))
    rows = rows.select_related("account", "accepted_by", "ended_by", "replaced_by", "turn")
    return list(rows.annotate(written_at=F("turn__created_at")).order_by("pk"))


def says_something(row: Statement) -> bool:
    """Whether a row is among those that `counting_of` looks at: as `of_person` reads them."""
    if row.ended_at is not None:
        return False
    if row.turn_id is None:
        return row.began_at is not None
    return row.polarity in OPINIONS or (row.polarity == Polarity.MIXED and row.source == Source.PERSON)


def if_approved(turns: Sequence[Turn], end_user: EndUser | None, *, by: str, now: datetime) -> list[Acting]:
    """What would act were these texts, the kept drafts of one round, approved now. One query, once they are read."""
    if any(turn.reader is None for turn in turns):
        service.read(service.unread().filter(pk__in=[turn.pk for turn in turns]))
    texts = {turn.pk: turn.text for turn in turns}
    rows = of_person(end_user, list(texts)) if end_user else _of_turns(texts)
    return _listed(rows, texts, approved_by=by, approved_at=now)


def _acting(rows: Iterable[Statement], latest: Knowledge | None) -> list[Acting]:
    by = str(latest.accepted_by) if latest and latest.accepted_by else ""
    return _listed(rows, texts_of(latest), approved_by=by, approved_at=latest.accepted_at if latest else None)


def _listed(
    rows: Iterable[Statement], texts: Mapping[int, str], *, approved_by: str, approved_at: datetime | None
) -> list[Acting]:
    """Those of `rows` that count and say whether something is liked: those of the texts first."""
    counting = sorted(counting_of(rows), key=lambda row: row.turn_id is None)
    return [
        _own(row)
        if row.turn_id is None
        else Acting(
            pk=row.pk,
            said=(one := service.said(row)),
            quote=row.quote or " ".join(one.quote(texts[row.turn_id]).split()),
            said_by=str(row.account) if row.account else "",
            weight=1 / len(texts),
            turn_id=next(iter(texts)),
            approved_by=approved_by,
            approved_at=approved_at,
        )
        for row in counting
        if row.polarity in OPINIONS
    ]


def _own(row: Statement) -> Acting:
    by = str(row.accepted_by) if row.accepted_by else ""
    return Acting(
        row.pk, service.said(row), row.quote, THE_USER, 1.0, turn_id=0, approved_by=by, approved_at=row.began_at
    )


def counting_of(rows: Iterable[Statement]) -> list[Statement]:
    """Of the standing statements of a person's text and their own, those that count. The newest word of a person about
    an aspect does: their own or somebody else's; a model's text only where no person has said anything of it.

    What the end user struck counts no more wherever a text says it, unless a person said it later. A row of a text has
    `written_at`, when that was.
    """
    rows = list(rows)
    of_aspect: Mapping[str, list[Statement]] = defaultdict(list)
    for row in rows:
        of_aspect[row.key].append(row)
    counting = {row.pk for group in of_aspect.values() for row in _of_aspect(group)}
    return [row for row in rows if row.pk in counting]


def _of_aspect(rows: Sequence[Statement]) -> list[Statement]:
    own = sorted((row for row in rows if row.turn_id is None and row.began_at), key=lambda row: (row.began_at, row.pk))
    of_texts = [row for row in rows if row.turn_id is not None]
    said = next((row for row in reversed(own) if not row.negated), None)
    if said is not None and not any(_is_later(row, said) for row in of_texts):
        return [said]
    denials = [row for row in own if row.negated]
    return _of_people_first([row for row in of_texts if not any(_is_negated(row, by) for by in denials)])


def objected_to(rows: Iterable[Statement], denials: Sequence[Statement], *, written_at: datetime) -> list[Statement]:
    """Of a text's standing statements about its end user those that the end user says are not so (`denials_of`), unless
    a person said them later. `written_at`: when the text was."""
    found = []
    for row in rows if denials else ():
        row.written_at = written_at  # type: ignore[attr-defined] # else annotated
        if row.holder == Holder.SUBJECT and any(row.key == by.key and _is_negated(row, by) for by in denials):
            found.append(row)
    return found


def denials_of(end_users: Collection[int]) -> dict[int, list[Statement]]:
    """What end users say is not so, where that counts. One query."""
    found: dict[int, list[Statement]] = defaultdict(list)
    rows = Statement.objects.filter(end_user__in=end_users, negated=True, ended_at=None, began_at__isnull=False)
    for row in rows.order_by("pk"):
        found[row.end_user_id or 0].append(row)
    return found


def _is_negated(row: Statement, denial: Statement) -> bool:
    return row.polarity == denial.polarity and not _is_later(row, denial)


def _is_later(row: Statement, own: Statement) -> bool:
    """Whether a person said what a text has of the aspect after the end user spoke of it."""
    return row.source == Source.PERSON and own.began_at is not None and _said_at(row) > own.began_at


def _of_people_first(rows: Sequence[Statement]) -> list[Statement]:
    """What a person said of an aspect takes the place of what a model's text says of it."""
    return [row for row in rows if row.source == Source.PERSON] or list(rows)


def _said_at(row: Statement) -> datetime:
    """When a person said it: in their edit of the text, or later beside it."""
    is_of_text = row.end > 0 and row.replaces_id is None
    written: datetime = row.written_at if is_of_text else row.created_at  # type: ignore[attr-defined] # annotated
    return written


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
            found[row.turn_id or 0].append(row)
    return {
        each[0]: tuple(
            Opinion(service.said(row), row.source == Source.PERSON, 1 / len(each))
            for row in counting_of(row for turn in each for row in found[turn])
            if row.polarity in OPINIONS
        )
        for each in drafts
    }


def _of_turns(turns: Collection[int]) -> list[Statement]:
    return list(_rows(_OF_TURNS & Q(turn_id__in=turns)))


def _rows(wanted: Q) -> QuerySet[Statement]:
    rows = Statement.objects.filter(wanted).select_related("account", "accepted_by")
    return rows.annotate(written_at=F("turn__created_at")).order_by("turn_id", "place", "pk")


_STANDING = Prepared(_standing)
