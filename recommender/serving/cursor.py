"""Where a list goes on: its next items as they were ranked, signed by the server and kept by whoever asks.

So the next page is of the same list whatever changed meanwhile, although nothing is stored when a list is only read.

Most of a cursor are numbers: two columns of whole ones, the primary keys and the scores in millionths, each of as few
bytes as its greatest takes. That is shorter than the same as JSON and packed, and takes a third of the time. What no
such column holds, a list without scores say, is JSON, as all of it was in earlier releases.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from django.core import signing
from numpy.typing import NDArray

from recommender.models import EndUser
from recommender.serving.whom import Whom

SALT = "recommendations.cursor"
DIGITS = 6  # of a score
MOST = 2**31  # what a column's numbers are below
Whole = NDArray[np.int64]


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
        scores = [score for _, score in self.items]
        first = [getattr(self, name) for name in BEFORE_ITEMS]
        mixed = [[self.teams, self.sides]] if self.teams else []  # most lists are not, and say nothing of it
        columns = _columns(pks, scores)
        if columns is not None:
            return signing.dumps((columns, [*first, *mixed]), salt=SALT, serializer=_Form)
        rounded = [None if score is None else round(score, DIGITS) for score in scores]
        return signing.dumps([*first, pks, rounded, *mixed], salt=SALT, compress=True)

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises CursorError."""
        try:
            said = signing.loads(text, salt=SALT, serializer=_Form)
            listed = len(BEFORE_ITEMS)
            first, (pks, scores), mixed = said[:listed], said[listed : listed + 2], said[listed + 2 :]
            return cls(*[*first, list(zip(pks, scores, strict=True)), *(mixed[0] if mixed else ())])
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise CursorError("It is not a cursor of this server.") from error


class _Form:
    """How a cursor is written, for django.core.signing: the rest as JSON, a NUL, and the columns of items."""

    def dumps(self, said: tuple[bytes, list[Any]]) -> bytes:
        columns, rest = said
        return json.dumps(rest, separators=(",", ":")).encode() + b"\0" + columns

    def loads(self, written: bytes) -> list[Any]:
        """Raises ValueError."""
        rest, marked, columns = written.partition(b"\0")
        said: list[Any] = json.loads(rest)
        if not marked:
            return said
        pks, after = _column(columns)
        scores, _ = _column(after)
        listed = len(BEFORE_ITEMS)
        return [*said[:listed], pks.tolist(), (scores / 10**DIGITS).tolist(), *said[listed:]]


def _columns(pks: Sequence[int], scores: Sequence[float | None]) -> bytes | None:
    """None where a score is missing, there are too many, or a number is below 0 or too great."""
    if None in scores or len(pks) >= 2**16:
        return None
    keys, whole = np.array(pks, dtype=np.int64), _millionths(np.array(scores, dtype=np.float64))
    if whole is None or not 0 <= keys.min(initial=0) <= keys.max(initial=0) < MOST:
        return None
    return _packed(keys) + _packed(whole)


def _millionths(scores: NDArray[np.float64]) -> Whole | None:
    """As `round` has them, which rounds what a score exactly is: near a half numpy's product may not tell."""
    scaled = scores * 10**DIGITS
    if not ((scaled >= 0) & (scaled < MOST)).all():  # nor what is no number
        return None
    whole: NDArray[np.float64] = np.rint(scaled)
    for place in np.flatnonzero(np.abs(np.abs(scaled - whole) - 0.5) < 1e-5).tolist():
        whole[place] = np.rint(round(float(scores[place]), DIGITS) * 10**DIGITS)
    return whole.astype(np.int64)


def _packed(column: Whole) -> bytes:
    """The width in bytes, how many there are, and the numbers, least byte first."""
    width = max(1, -(-int(column.max(initial=0)).bit_length() // 8))
    rows = column.astype("<i8").view(np.uint8).reshape(-1, 8)
    return bytes([width]) + len(column).to_bytes(2, "little") + rows[:, :width].tobytes()


def _column(packed: bytes) -> tuple[Whole, bytes]:
    """A packed column, and what follows it. Raises ValueError."""
    width, count = packed[0], int.from_bytes(packed[1:3], "little")
    end = 3 + width * count
    rows = np.zeros((count, 8), dtype=np.uint8)
    rows[:, :width] = np.frombuffer(packed[3:end], dtype=np.uint8).reshape(count, width)
    return rows.view("<i8")[:, 0].astype(np.int64), packed[end:]


_NAMES = [field.name for field in fields(Cursor)]
BEFORE_ITEMS = _NAMES[: _NAMES.index("items")]
