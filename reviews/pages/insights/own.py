"""What an end user says of themself, as the page shows it beside the text about them: what counts and what does not."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from recommender.models import EndUser
from recommender.serving.said import OF_NOW, SaidOfThem, all_of
from reviews.room.said import says

MOST_ENDED = 20  # that the page lists of what counts no more

Tone = Literal["good", "warn", ""]


@dataclass(frozen=True, slots=True)
class OwnWord:
    """One statement of theirs, with its standing."""

    one: SaidOfThem

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
        if status == "standing":
            return f"let count by {row.accepted_by}" if row.accepted_by else "counts since"
        return {"struck": "struck", "replaced": "corrected", "refused": f"refused by {row.ended_by}"}[status]

    @property
    def when(self) -> datetime:
        row = self.one.row
        return row.ended_at or (row.began_at if self.one.status == "standing" else None) or row.created_at

    @property
    def tone(self) -> Tone:
        if self.one.status == "standing":
            return "good"
        return "warn" if self.waits else ""


@dataclass(frozen=True, slots=True)
class OwnWords:
    """All of one end user's, the newest first. `ended`: struck, corrected or refused; the last of `ended_count`."""

    now: tuple[OwnWord, ...]
    ended: tuple[OwnWord, ...]
    ended_count: int


def words_of(end_user: EndUser) -> OwnWords:
    """`end_user.catalog` is loaded. As many queries as serving.said.all_of takes."""
    words = [OwnWord(one) for one in all_of(end_user) if one.said_by == "end_user"]
    ended = [word for word in words if word.one.status not in OF_NOW]
    ended.sort(key=lambda word: word.when, reverse=True)
    return OwnWords(tuple(word for word in words if word.one.status in OF_NOW), tuple(ended[:MOST_ENDED]), len(ended))
