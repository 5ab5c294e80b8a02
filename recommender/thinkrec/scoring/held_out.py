"""Ratings that were held out, grouped as lists are scored: one history of each end user, then their ratings after it.

ThinkRec's own measures rank each end user's own test samples in just this way (METHODS.md 2.10).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.interactions import Interactions
from recommender.dataset.split import Codes


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One end user's ratings of a part. `history`: items by number with likes, oldest first, from before all of them.

    `as_of`: the moment of the first of them. `items` (n): numbers; `liked` (n).
    """

    end_user: int
    as_of: int
    history: list[tuple[int, bool | None]]
    items: NDArray[np.int32]
    liked: NDArray[np.bool_]


def held_out(interactions: Interactions, codes: Codes, part: int, *, most: int, each: int, seed: int) -> list[HeldOut]:
    """End users drawn by chance until they have `most` ratings of the part; of one end user the first `each`.

    Those without a history from before are left out.
    """
    rows = np.flatnonzero((codes == part) & (interactions.liked >= 0))
    found: list[HeldOut] = []
    taken = 0
    for end_user in np.random.default_rng(seed).permutation(np.unique(interactions.end_user[rows])).tolist():
        mine = rows[interactions.end_user[rows] == end_user][: min(each, most - taken)]
        if taken >= most:
            break
        before = np.flatnonzero(
            (interactions.end_user == end_user) & (interactions.moment < interactions.moment[mine[0]])
        )
        history = [(int(interactions.item[row]), _liked(interactions.liked[row])) for row in before]
        if any(liked is not None for _, liked in history):
            found.append(
                HeldOut(
                    end_user,
                    int(interactions.moment[mine[0]]),
                    history,
                    interactions.item[mine],
                    interactions.liked[mine] > 0,
                )
            )
            taken += len(mine)
    return found


def _liked(code: np.int8) -> bool | None:
    return None if code < 0 else bool(code)
