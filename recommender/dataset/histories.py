"""The two histories that tested interactions are given, and the share of the end users that is looked at."""

from dataclasses import replace

import numpy as np

from recommender.dataset.interactions import Interactions
from recommender.dataset.split import TEST, Codes

STREAMING, FROZEN = "streaming", "frozen"
HISTORIES = (STREAMING, FROZEN)
FOREVER = np.iinfo(np.int64).max
SEED = 0  # draws the share of end users


def frozen(interactions: Interactions, codes: Codes) -> Interactions:
    """The interactions as they are known at each end user's first tested one: all later ones are of its moment.

    Interactions at one moment are never each other's history, and a text that is later than a moment is not known at
    it. So every tested interaction has the history and the knowledge of the first one, as a list that is served has.
    """
    first = np.full(len(interactions.end_users), FOREVER, dtype=np.int64)
    rows = np.flatnonzero(codes == TEST)
    np.minimum.at(first, interactions.end_user[rows], interactions.moment[rows])
    return replace(interactions, moment=np.minimum(interactions.moment, first[interactions.end_user]))


def some_end_users(interactions: Interactions, share: float) -> Interactions:
    """The interactions of that share of the end users, drawn at random; everybody keeps their number."""
    if share == 1:
        return interactions
    count = len(interactions.end_users)
    kept = np.zeros(count, dtype=bool)
    kept[np.random.default_rng(SEED).permutation(count)[: max(1, round(share * count))]] = True
    return interactions.only(kept[interactions.end_user])
