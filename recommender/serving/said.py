"""All that is said of an end user's taste, by the text about them and by themself, and what of it acts now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from recommender.grounding.evidence import Rated, Standing, count, standing
from recommender.grounding.statements import Statement as Said
from recommender.grounding.wording import in_words
from recommender.models import EndUser, Knowledge, Source, Statement
from recommender.rounds import evidence
from recommender.serving.history import PastInteraction, history_of
from recommender.serving.steering import knob, refuses_an_item
from recommender.statements import queries, service
from recommender.statements.aspects import CatalogAspects, aspects_of

Status = Literal["standing", "waiting", "overruled", "struck", "replaced", "refused"]
STATUSES: tuple[Status, ...] = ("standing", "waiting", "overruled", "struck", "replaced", "refused")
OF_NOW: tuple[Status, ...] = ("standing", "waiting", "overruled")
WhyNot = Literal["steering_off", "no_opinion", "waiting", "overruled", "ended"]
WHY_NOT: tuple[WhyNot, ...] = ("steering_off", "no_opinion", "waiting", "overruled", "ended")
SAID_BY = ("end_user", "person", "model")


@dataclass(frozen=True, slots=True)
class SaidOfThem:
    """One statement about an end user. `about`: its aspect in words; `quote`: the words of the text, or theirs.

    `status`: waiting, for a person; overruled, by a newer word about the same aspect; struck, by whoever said it, or by
    a person out of a text. `counts`: it is what is said of its aspect now. `since`: it acts on lists from then on; None
    where it does not, and `why_not` says why: the catalog's strength of steering is 0, or it says nothing of whether
    anything is liked. `standing`, `liked`, `ratings`: how it stands against everything they have rated, of how many
    items that it is about; `meets`: how many items of the catalog it is about.
    """

    row: Statement
    said: Said
    about: str
    quote: str
    status: Status
    counts: bool
    since: datetime | None
    why_not: WhyNot | None
    standing: Standing
    liked: int
    ratings: int
    meets: int

    @property
    def said_by(self) -> str:
        if self.row.turn_id is None:
            return "end_user"
        return "person" if self.row.source == Source.PERSON else "model"


@dataclass(frozen=True, slots=True)
class _Known:
    """What statements are held against: everything they have met. `steers`: whether statements move the lists."""

    aspects: CatalogAspects
    rows: Sequence[Rated]
    history: Sequence[PastInteraction]
    steers: bool


def all_of(end_user: EndUser) -> list[SaidOfThem]:
    """All that they have said, and that the text about them in force says of them; the newest first.

    Seven queries at most, however many there are. `end_user.catalog` is loaded.
    """
    latest = queries.text_in_force(end_user)
    rows = queries.all_of_person(end_user, latest.turn_ids if latest else [])
    return _told(end_user, rows, latest)


def one_of(end_user: EndUser, pk: int) -> SaidOfThem | None:
    return next((one for one in all_of(end_user) if one.row.pk == pk), None)


def _told(end_user: EndUser, rows: Sequence[Statement], latest: Knowledge | None) -> list[SaidOfThem]:
    aspects, texts = aspects_of(end_user.catalog), queries.texts_of(latest)
    met = [Rated(each.title, each.attributes, each.liked, each.rating) for each in evidence.known_now(end_user)]
    known = _Known(aspects, met, history_of(end_user), knob(end_user.catalog) > 0)
    counting = {row.pk for row in queries.counting_of(row for row in rows if queries.says_something(row))}
    return [_one(row, texts, latest, known, counts=row.pk in counting) for row in sorted(rows, key=lambda row: -row.pk)]


def _one(row: Statement, texts: dict[int, str], latest: Knowledge | None, known: _Known, *, counts: bool) -> SaidOfThem:
    said, aspects, own = service.said(row), known.aspects, row.turn_id is None
    meeting = set(aspects.pks[aspects.meeting(said.aspect)].tolist())
    rated = [past.liked for past in known.history if past.item_pk in meeting and past.liked is not None]
    text = texts.get(row.turn_id or 0, "")
    status = _status(row, counts=counts)
    why_not = _why_not(row, status, may_act=may_act(said, own=own, steers=known.steers), counts=counts)
    return SaidOfThem(
        row=row,
        said=said,
        about=in_words(said.aspect, aspects.title_of),
        quote=row.quote or " ".join(said.quote(text).split()),
        status=status,
        counts=counts,
        since=None if why_not else _since(row, latest),
        why_not=why_not,
        standing=standing(said, count(said, known.rows, aspects.title_of)),
        liked=sum(rated),
        ratings=len(rated),
        meets=len(meeting),
    )


def _status(row: Statement, *, counts: bool) -> Status:
    if row.ended_at is not None:
        by_a_reading = row.turn_id is not None and row.ended_by_id is None  # a later one, of the same text
        if by_a_reading or getattr(row, "replaced_by", None) is not None:
            return "replaced"
        return "refused" if row.turn_id is None and row.ended_by_id is not None else "struck"
    if row.turn_id is None and row.began_at is None:
        return "waiting"
    is_fact = row.turn_id is not None and row.polarity not in queries.OPINIONS
    return "standing" if counts or row.negated or is_fact else "overruled"


def may_act(said: Said, *, own: bool, steers: bool) -> bool:
    """Whether a statement that counts moves lists. Where none does, what they themself refuse by its title is left out
    all the same."""
    return steers or (own and refuses_an_item(said))


def _why_not(row: Statement, status: Status, *, may_act: bool, counts: bool) -> WhyNot | None:
    if status in ("waiting", "overruled"):
        return "waiting" if status == "waiting" else "overruled"
    if status not in OF_NOW:
        return "ended"
    if row.polarity not in queries.OPINIONS or not counts:
        return "no_opinion"
    return None if may_act else "steering_off"


def _since(row: Statement, latest: Knowledge | None) -> datetime | None:
    if row.turn_id is None:
        return row.began_at
    approved = latest.accepted_at if latest else row.created_at
    return max(approved, row.created_at) if row.source == Source.PERSON else approved


def meeting(end_user: EndUser, item_pk: int) -> list[SaidOfThem]:
    """What counts, says that they like something, and is about this item: what raises it."""
    aspects = aspects_of(end_user.catalog)
    likes = [one for one in all_of(end_user) if one.counts and one.row.polarity == "likes"]
    return [one for one in likes if item_pk in aspects.pks[aspects.meeting(one.said.aspect)]]
