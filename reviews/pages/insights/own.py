"""What an end user says of themself, as the page shows it beside the text about them: what counts and what does not."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from recommender.models import Catalog, EndUser, Hearing
from recommender.serving.said import OF_NOW, SaidOfThem, all_of
from recommender.serving.steering import knob
from reviews.room.said import says

MOST_ENDED = 20  # that the page lists of what counts no more
MOVES_NOTHING = "Moves no list in this catalog; what they refuse by its title is left out"

Tone = Literal["good", "warn", ""]


@dataclass(frozen=True, slots=True)
class OwnWord:
    """One statement of theirs, with its standing. `steers`: whether statements move this catalog's lists."""

    one: SaidOfThem
    steers: bool

    @property
    def says(self) -> str:
        return says(self.one.row)

    @property
    def waits(self) -> bool:
        return self.one.status == "waiting"

    @property
    def stands(self) -> str:
        """What became of it, in words that go before a date (`when`)."""
        row, status = self.one.row, self.one.status
        if status == "waiting":
            return "waits for review, said"
        if status == "overruled":
            return "a newer word counts, said"
        if status == "standing" and self.one.why_not == "no_opinion":  # in two minds: it counts, and moves no list
            return f"accepted by {row.accepted_by}, moves nothing since" if row.accepted_by else "moves nothing since"
        if status == "standing":
            acts = self.steers or self.one.since
            if row.accepted_by:
                return f"{'let count' if acts else 'accepted'} by {row.accepted_by}"
            return "counts since" if acts else "kept since"
        return {"struck": "struck", "replaced": "corrected", "refused": f"refused by {row.ended_by}"}[status]

    @property
    def when(self) -> datetime:
        row = self.one.row
        return row.ended_at or (row.began_at if self.one.status == "standing" else None) or row.created_at

    @property
    def tone(self) -> Tone:
        if self.one.status == "standing" and self.one.why_not != "no_opinion":
            return "good" if self.steers or self.one.since else ""
        return "warn" if self.waits else ""


@dataclass(frozen=True, slots=True)
class OwnWords:
    """All of one end user's, the newest first. `ended`: struck, corrected or refused; the last of `ended_count`.

    `heard`: when what they say counts, in words.
    """

    now: tuple[OwnWord, ...]
    ended: tuple[OwnWord, ...]
    ended_count: int
    heard: str


def words_of(end_user: EndUser) -> OwnWords:
    """`end_user.catalog` is loaded. As many queries as serving.said.all_of takes."""
    steers = knob(end_user.catalog) > 0
    words = [OwnWord(one, steers) for one in all_of(end_user) if one.said_by == "end_user"]
    ended = [word for word in words if word.one.status not in OF_NOW]
    ended.sort(key=lambda word: word.when, reverse=True)
    now = tuple(word for word in words if word.one.status in OF_NOW)
    return OwnWords(now, tuple(ended[:MOST_ENDED]), len(ended), _heard(end_user.catalog) if steers else MOVES_NOTHING)


def _heard(catalog: Catalog) -> str:
    return "Counts at once" if catalog.hearing == Hearing.AT_ONCE else "Counts once a person has accepted it"
