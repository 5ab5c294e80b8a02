"""For whom: samples of cold and warm end users, cold and warm items, and of the catalog's head and tail. Numpy only."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLD_END_USER = 30  # interactions that could be fitted on: fewer is cold
COLD_ITEM = 20
HEAD_SHARE = 0.2  # of the items

Ids = NDArray[np.integer[Any]]


def slices(
    end_user: Ids,
    item: Ids,
    *,
    fitted: NDArray[np.bool_],
    rows: NDArray[np.integer[Any]],
    items: int,
    cold_end_user: int = COLD_END_USER,
    cold_item: int = COLD_ITEM,
) -> Mapping[str, NDArray[np.bool_]]:
    """Which of the scored `rows` (m) are in which slice, masks (m) by name; each pair of slices parts them all.

    `end_user` and `item` (n) of all interactions; `fitted` (n): those that were, or could have been, fitted on
    (dataset.interactions.trained_on). Cold: with fewer of those than the limit. Head: the fifth of all `items` with the
    most of them, the lower number first among equals; the rest is the tail.
    """
    known = np.bincount(end_user[fitted], minlength=int(end_user.max(initial=-1)) + 1)
    seen = np.bincount(item[fitted], minlength=items)
    head = np.zeros(items, dtype=bool)
    head[np.argsort(-seen, kind="stable")[: int(np.ceil(items * HEAD_SHARE))]] = True
    cold_user, cold = known[end_user[rows]] < cold_end_user, seen[item[rows]] < cold_item
    in_head = head[item[rows]]
    return {
        "all": np.ones(len(rows), dtype=bool),
        "cold end users": cold_user,
        "warm end users": ~cold_user,
        "cold items": cold,
        "warm items": ~cold,
        "head items": in_head,
        "tail items": ~in_head,
    }
