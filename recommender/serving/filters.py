"""Conditions held against a catalog's items."""

import operator
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.models import Catalog
from recommender.serving.catalog_index import CatalogIndex
from recommender.serving.codes import Notice, NoticeCode
from recommender.serving.conditions import Comparison, Condition, ConditionError
from recommender.statements.aspects import YEAR, CatalogAspects, aspects_of

KEPT_AS = {"true": "yes", "false": "no"}  # importers.values.attributes
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


def _having(aspects: CatalogAspects, name: str, values: Sequence[str]) -> tuple[Mask, list[Notice]]:
    known = aspects.values_of.get(name, {})
    met, notices = np.zeros(len(aspects.pks), dtype=np.bool_), []
    if name == YEAR and not known:  # read from titles
        numbers = aspects.numbers(name)
        for value in values:
            met |= numbers == (int(value) if value.isascii() and value.isdigit() else -1)
        return met, []
    for value in values:
        folded = value.casefold()
        folded = folded if folded in known else KEPT_AS.get(folded, folded)
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
