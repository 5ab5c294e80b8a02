"""Where a list goes on: its next items as they were ranked, signed by the server and kept by whoever asks.

So the next page is of the same list whatever changed meanwhile, although nothing is stored when a list is only read.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import Self

from django.core import signing

SALT = "recommendations.cursor"
DIGITS = 6  # of a score


class CursorError(ValueError):
    """Not a cursor of this server, or one of another list."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """`catalog`, `end_user`, `backbone`: primary keys. `asked`: what the list was asked by, as a digest.
    `experiment`, `variant`: by what it was made. `moved`: the statements that moved it, by primary key; None where none
    could. `rank`: of the next item. `items`: primary key and score of the items left."""

    catalog: int
    end_user: int
    asked: str
    experiment: str
    variant: str
    scenario: str
    source: str
    degraded_code: str
    degraded_reason: str
    backbone: int | None
    as_of: int | None
    moved: Sequence[int] | None
    rank: int
    items: Sequence[tuple[int, float | None]]

    def after(self, count: int) -> "Cursor | None":
        """Where it goes on after so many items; None at the end."""
        left = self.items[count:]
        return replace(self, rank=self.rank + count, items=left) if left else None

    def written(self) -> str:
        pks = [pk for pk, _ in self.items]
        scores = [None if score is None else round(score, DIGITS) for _, score in self.items]
        *first, _ = astuple(replace(self, items=()))
        return signing.dumps([*first, pks, scores], salt=SALT, compress=True)

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises CursorError."""
        try:
            *first, pks, scores = signing.loads(text, salt=SALT)
            said = [*first, list(zip(pks, scores, strict=True))]
            return cls(*said)
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise CursorError("It is not a cursor of this server.") from error
