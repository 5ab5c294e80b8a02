"""Conditions held against a catalog's items."""

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.models import Catalog, Item
from recommender.serving.catalog_index import CatalogIndex, values_of
from recommender.serving.codes import Notice, NoticeCode
from recommender.serving.conditions import Comparison, Condition, ConditionError
from recommender.serving.items import items_of
from recommender.statements.aspects import NO_YEAR, YEAR, CatalogAspects, aspects_of

KEPT_AS = {"true": "yes", "false": "no"}  # importers.values.attributes
LOOKED_AT_ONCE, MOST_LOOKED_AT = 250, 2_000  # items
NAMED = 30  # attributes that an error names
Mask = NDArray[np.bool_]
COMPARE: Mapping[Comparison, Callable[[Any, float], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def meeting(catalog: Catalog, index: CatalogIndex, conditions: Sequence[Condition]) -> tuple[Mask, list[Notice]]:
    """(items,) True where an item meets every condition; and which values no item has.

    An item whose attributes this process has not read yet meets none. Raises ConditionError for an attribute that no
    item has.
    """
    aspects = aspects_of(catalog)
    mask = np.ones(len(aspects.pks), dtype=np.bool_)
    notices: list[Notice] = []
    for condition in conditions:
        name = _attribute(condition.name, aspects)
        if condition.comparison:
            met = COMPARE[condition.comparison](aspects.numbers(name), condition.number)  # NaN: never
        else:
            met, unknown = _having(aspects, name, condition.values)
            notices += unknown
        mask &= ~met if condition.negated else met
    there = np.zeros(len(index), dtype=np.bool_)
    there[index.positions(aspects.pks[mask])] = True
    return there, notices


def meeting_now(
    catalog: Catalog, index: CatalogIndex, conditions: Sequence[Condition], places: NDArray[np.int64], *, count: int
) -> Mask:
    """(places,) False where an item meets the conditions no more: it was changed after this process read attributes.

    Items are looked at until `count` of them meet all, and MOST_LOOKED_AT at most; those behind are taken at the word
    of `meeting`. While no item of the catalog is changed this reads nothing.
    """
    aspects, met, found = aspects_of(catalog), np.ones(len(places), dtype=np.bool_), 0
    named = [replace(condition, name=_attribute(condition.name, aspects)) for condition in conditions]
    pks = index.pks[places[:MOST_LOOKED_AT]].tolist()
    for first in range(0, len(pks), LOOKED_AT_ONCE):
        items = items_of(catalog, some := pks[first : first + LOOKED_AT_ONCE])
        now = [pk in items and all(_meets(items[pk], condition, aspects) for condition in named) for pk in some]
        met[first : first + len(now)] = now
        found += sum(now)
        if found >= count:
            break
    return met


def _meets(item: Item, condition: Condition, aspects: CatalogAspects) -> bool:
    name, number = condition.name, aspects.number_of(condition.name, item.title, item.attributes)
    known = aspects.values_of.get(name, {})
    if condition.comparison:
        met = bool(COMPARE[condition.comparison](number, condition.number))
    elif name == YEAR and not known:
        met = any(number == _year(value) for value in condition.values)
    else:
        own = {value.casefold() for value in values_of(item.attributes.get(name, []))}
        met = any(_folded(value, known) in own for value in condition.values)
    return met is not condition.negated


def _year(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() else NO_YEAR


def _folded(value: str, known: Collection[str]) -> str:
    folded = value.casefold()
    return folded if folded in known else KEPT_AS.get(folded, folded)


def _having(aspects: CatalogAspects, name: str, values: Sequence[str]) -> tuple[Mask, list[Notice]]:
    known = aspects.values_of.get(name, {})
    met, notices = np.zeros(len(aspects.pks), dtype=np.bool_), []
    if name == YEAR and not known:  # read from titles
        numbers = aspects.numbers(name)
        for value in values:
            met |= numbers == _year(value)
        return met, []
    for value in values:
        folded = _folded(value, known)
        for own in known.get(folded, ()):
            met[aspects.by_value[name, own]] = True
        if folded not in known:
            near = get_close_matches(folded, known, n=3)
            like = f" Near it: {', '.join(f'“{known[one][0]}”' for one in near)}." if near else ""
            notices.append(Notice(NoticeCode.UNKNOWN_VALUE, f"No item has “{value[:60]}” as its {name}.{like}"))
    return met, notices


def _attribute(name: str, aspects: CatalogAspects) -> str:
    """The attribute as items have it. Raises ConditionError, which names those there are."""
    known = list(aspects.values_of)
    if YEAR not in known and np.isfinite(aspects.numbers(YEAR)).any():
        known.append(YEAR)
    if name in known:
        return name
    alike = [each for each in known if each.casefold() == name.casefold()]
    if len(alike) == 1:
        return alike[0]
    named = ", ".join(f"`{each}`" for each in sorted(known)[:NAMED]) or "none"
    more = " and others" if len(known) > NAMED else ""
    raise ConditionError(f"Items have no attribute “{name[:60]}”. They have: {named}{more}.")
