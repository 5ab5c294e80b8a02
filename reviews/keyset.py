"""Pages of a long list by where the last one ended: the thousandth costs what the first does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy

M = TypeVar("M", bound=Model)
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class KeysetPage(Generic[M]):
    """Some rows of a list. `previous` and `next`: what to ask for the page before and after; empty where none is."""

    rows: list[M]
    previous: str
    next: str


def page_of(
    rows: QuerySet[M], query: Mapping[str, Any], *, by: str, size: int, latest_first: bool = False
) -> KeysetPage[M]:
    """The rows by the number in column `by`, then by primary key, from where `query` says: its "after" or "before".

    A mark that cannot be read is the beginning. One query.
    """
    after, before = _mark(query.get("after")), _mark(query.get("before"))
    backwards = before is not None
    mark = before if backwards else after
    ascending = latest_first == backwards  # in the direction that is read
    found = rows.order_by(*_order(by, ascending=ascending))
    if mark is not None:
        found = found.filter(_beyond(by, *mark, ascending=ascending))
    read = list(found[: size + 1])
    more, read = len(read) > size, read[:size]
    if backwards:
        read.reverse()
    if not read:
        return KeysetPage([], "", "")
    has_previous = more if backwards else mark is not None
    has_next = backwards or more
    return KeysetPage(
        read,
        _written(read[0], by) if has_previous else "",
        _written(read[-1], by) if has_next else "",
    )


def _order(by: str, *, ascending: bool) -> list[OrderBy]:
    return [F(name).asc() if ascending else F(name).desc() for name in (by, "pk")]


def _beyond(by: str, place: int, pk: int, *, ascending: bool) -> Q:
    # The first condition alone finds the place in the index; the second tells equal places apart.
    side = "gt" if ascending else "lt"
    return Q(**{f"{by}__{side}e": place}) & (Q(**{f"{by}__{side}": place}) | Q(**{f"pk__{side}": pk}))


def _mark(text: Any) -> tuple[int, int] | None:
    place, _, pk = str(text or "").partition(".")
    if not (place.isascii() and place.isdigit() and pk.isascii() and pk.isdigit() and len(place) < 20 and len(pk) < 20):
        return None
    return min(int(place), LARGEST), min(int(pk), LARGEST)


def _written(row: Model, by: str) -> str:
    return f"{getattr(row, by)}.{row.pk}"
