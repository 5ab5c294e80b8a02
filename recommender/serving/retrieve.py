"""Candidates: which items are worth ranking for one end user. Everything where it is affordable."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.models import Catalog, Item
from recommender.serving.catalog_index import LONGEST_VALUE_LIST, WHOLE_CATALOG, CatalogIndex, values_of

POPULAR = 1_500
NEWEST = 200
VALUES = 8  # attribute values that the end user liked most often


def unseen(index: CatalogIndex, seen: Sequence[int]) -> NDArray[np.bool_]:
    """(items,) True where the end user has not met the item. `seen`: primary keys."""
    mask = np.ones(len(index), dtype=np.bool_)
    mask[index.positions(np.array(seen, dtype=np.int64))] = False
    return mask


def candidates(
    catalog: Catalog,
    index: CatalogIndex,
    *,
    mask: NDArray[np.bool_],
    liked: Sequence[int],
    asked_for: Sequence[NDArray[np.int64]] = (),
) -> NDArray[np.int64]:
    """Positions in the index to rank, all unseen.

    A small catalog is ranked whole. Of a big one: what most people like, what shares the attribute values this end
    user liked most often, what is newest, and the most popular of what approved statements ask for. `liked`: primary
    keys of the liked items of the history. `asked_for`: positions, for each such statement.
    """
    if len(index) <= WHOLE_CATALOG:
        return np.flatnonzero(mask)
    chosen = [_first(index.by_popularity, mask, POPULAR), np.flatnonzero(mask)[-NEWEST:]]
    for value in _liked_values(catalog, liked):
        ranked = index.by_value.get(value)
        if ranked is not None:
            chosen.append(ranked[mask[ranked]])
    for positions in asked_for:
        popular = positions[np.argsort(-index.popularity[positions], kind="stable")]
        chosen.append(_first(popular, mask, LONGEST_VALUE_LIST))
    return np.unique(np.concatenate(chosen))


def _first(ranked: NDArray[np.int64], mask: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    return ranked[mask[ranked]][:count]


def _liked_values(catalog: Catalog, liked: Sequence[int]) -> list[str]:
    counts: Counter[str] = Counter()
    for attributes in Item.objects.filter(pk__in=liked).values_list("attributes", flat=True):
        for name in catalog.prompt_attributes:
            counts.update(values_of(attributes.get(name, [])))
    return [value for value, _ in counts.most_common(VALUES)]
