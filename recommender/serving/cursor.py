"""Where a list goes on: its next items as they were ranked, signed by the server and kept by whoever asks.

So the next page is of the same list whatever changed meanwhile, although nothing is stored when a list is only read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

from django.core import signing

from recommender.models import EndUser
from recommender.serving.whom import Whom

SALT = "recommendations.cursor"
DIGITS = 6  # of a score


class CursorError(ValueError):
    """Not a cursor of this server, or one of another list."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """`catalog`, `backbone`: primary keys. `end_user`: theirs, or what the caller calls a visitor. `asked`: what
    the list was asked by, as a digest.
    `experiment`, `variant`: by what it was made. `moved`: the statements that moved it, by primary key; None where none
    could. `rank`: of the next item. `items`: primary key and score of the items left. `teams`: the two variants that a
    mixed list is of, and `sides`: of each item left the place of the one that put it there, -1 of nobody; else both are
    empty."""

    catalog: int
    end_user: int | str
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
    teams: Sequence[str] = ()
    sides: Sequence[int] = ()

    def is_about(self, whom: Whom) -> bool:
        """Whether it is of a list for them, made before or after the catalog had a row of them."""
        named = (whom.pk, whom.external_id) if isinstance(whom, EndUser) else (whom.external_id,)
        return self.catalog == whom.catalog.pk and self.end_user in named

    def after(self, count: int) -> "Cursor | None":
        """Where it goes on after so many items; None at the end."""
        left = self.items[count:]
        return replace(self, rank=self.rank + count, items=left, sides=self.sides[count:]) if left else None

    def written(self) -> str:
        pks = [pk for pk, _ in self.items]
        scores = [None if score is None else round(score, DIGITS) for _, score in self.items]
        first = [getattr(self, name) for name in BEFORE_ITEMS]
        mixed = [[self.teams, self.sides]] if self.teams else []  # most lists are not, and say nothing of it
        return signing.dumps([*first, pks, scores, *mixed], salt=SALT, compress=True)

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises CursorError."""
        try:
            said = signing.loads(text, salt=SALT)
            listed = len(BEFORE_ITEMS)
            first, (pks, scores), mixed = said[:listed], said[listed : listed + 2], said[listed + 2 :]
            return cls(*[*first, list(zip(pks, scores, strict=True)), *(mixed[0] if mixed else ())])
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise CursorError("It is not a cursor of this server.") from error


_NAMES = [field.name for field in fields(Cursor)]
BEFORE_ITEMS = _NAMES[: _NAMES.index("items")]
