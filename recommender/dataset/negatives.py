"""Items drawn as not liked, for catalogs where nobody says what they do not like: purchases, clicks and likes alone.

For each liked interaction some items that its end user never met, at its moment, by popularity to the power of 0.75:
the noise of Mikolov et al., Distributed Representations of Words and Phrases and their Compositionality, 2013, section
2.2. That what was not met counts less than what was liked is the assumption of Rendle et al., BPR: Bayesian
Personalized Ranking from Implicit Feedback, 2009; here the loss stays that of single rows. Nobody said no: drawn rows
are asked about and never part of anybody's history. Numpy only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.catalogs.feedback import UNKNOWN
from recommender.dataset.interactions import COLUMNS, NOBODYS, Interactions, trained_on
from recommender.dataset.split import TRAIN, UNSCORED, VALID, Codes, Rows
from recommender.models import Clock
from recommender.runs.errors import TooLittleDataError

HARDLY = 0.01  # share of the train part: with less that is not liked, there is as good as nothing to learn from
POWER = 0.75
LIKES_AT_ONCE = 16_384
PROPOSED = 8  # items for each that is missing: about one in five is taken
ROUNDS = 8  # of proposals; what is still missing then is drawn from a list of all that is left


def are_needed(liked: NDArray[np.int8], codes: Codes) -> bool:
    """Whether something of the train part is liked and hardly anything is known not to be: less than HARDLY of it."""
    trained = liked[codes == TRAIN]
    return bool((trained == 1).any()) and int((trained == 0).sum()) < HARDLY * int((trained >= 0).sum())


def said(samples: Mapping[str, Mapping[str, int]], each: int) -> str:
    """In words, from split.describe's counts of the parts and what the recipe draws; empty where nothing was drawn."""
    if not any(part.get("drawn") for part in samples.values()):
        return ""
    told = sum(part["labelled"] - part["positives"] - part.get("drawn", 0) for part in samples.values())
    return f"{each} drawn for each like: {'hardly anybody' if told else 'nobody'} said no"


def draw(interactions: Interactions, codes: Codes, *, each: int, seed: int, clock: Clock) -> tuple[Interactions, Codes]:
    """The interactions and, after those of each end user, what was drawn for them; and the part of every row.

    `each`: items for a like, all different; fewer where no more are left that its end user never met, before or after.
    A drawn row has the moment and the part of its like, and is not liked. Of rows that are history only there are as
    many as signals may be fitted on, a refit's included. Items that exist at a moment are those that somebody has met
    by then and their popularity is how often; where moments do not compare (`clock`), in what may be fitted on. The
    same seed draws the same. Raises TooLittleDataError where there is nothing to draw.
    """
    fitted = trained_on(interactions, np.where(codes == VALID, TRAIN, codes))
    likes = np.flatnonzero((interactions.liked == 1) & ((codes != UNSCORED) | fitted))
    met = _Met.by(interactions, None if clock == Clock.SECONDS else fitted)
    source = np.random.RandomState(seed)  # its stream is the same in every version of numpy
    found = [
        met.draw(interactions, likes[first : first + LIKES_AT_ONCE], each, source)
        for first in range(0, len(likes), LIKES_AT_ONCE)
    ]
    drawn_for, item = (np.concatenate(column) for column in zip(*found, strict=True))
    if not (codes[drawn_for] == TRAIN).any():
        raise TooLittleDataError(
            "Every interaction to train on is liked, and everybody has met every item: there is none to tell likes "
            "from. Send what was passed over with the label 0 (docs/moving.md)."
        )
    return _joined(interactions, codes, drawn_for, item)


def _joined(
    interactions: Interactions, codes: Codes, drawn_for: Rows, item: NDArray[np.int64]
) -> tuple[Interactions, Codes]:
    count = len(drawn_for)
    columns = {name: getattr(interactions, name)[drawn_for] for name in COLUMNS} | {
        "keys": np.full(count, NOBODYS, dtype=np.int64),
        "item": item.astype(np.int32),
        "liked": np.zeros(count, dtype=np.int8),
        "feedback": np.full(count, UNKNOWN, dtype=np.uint8),
    }
    columns = {name: np.concatenate([getattr(interactions, name), column]) for name, column in columns.items()}
    order = np.argsort(columns["end_user"], kind="stable")  # after what the end user did
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    of = np.r_[np.full(len(interactions), -1, dtype=np.int64), place[drawn_for]]
    made = replace(interactions, drawn_for=of[order], **{name: column[order] for name, column in columns.items()})
    return made, np.r_[codes, codes[drawn_for]][order]


@dataclass(frozen=True, slots=True)
class _Met:
    """What was met when (m), oldest first: an item's popularity at a moment is how often it is among those by then.

    Drawing one of these at random is drawing by popularity; keeping it with the chance popularity ** (POWER - 1) makes
    that popularity ** POWER.
    """

    item: NDArray[np.int64]  # (m)
    moment: NDArray[np.int64]  # (m)
    places: NDArray[np.int64]  # (m) item · (m + 1) + place, sorted
    pairs: NDArray[np.int64]  # end user · v + item of all that anybody ever met, sorted
    items: int  # v

    @classmethod
    def by(cls, interactions: Interactions, rows: NDArray[np.bool_] | None) -> "_Met":
        """By the moments of all interactions or, of these `rows` alone, of one moment before everything."""
        if rows is None:
            order = np.argsort(interactions.moment, kind="stable")
            moment = interactions.moment[order]
        else:
            order = np.flatnonzero(rows)
            moment = np.full(len(order), np.iinfo(np.int64).min)
        item, items = interactions.item[order].astype(np.int64), len(interactions.items)
        pairs = np.unique(interactions.end_user.astype(np.int64) * items + interactions.item)
        return cls(item, moment, np.sort(item * (len(item) + 1) + np.arange(len(item))), pairs, items)

    def popularity(self, item: NDArray[np.int64], by: NDArray[np.int64]) -> NDArray[np.int64]:
        """How often each item (n) is among the first so many."""
        first = item * (len(self.item) + 1)
        return np.searchsorted(self.places, first + by) - np.searchsorted(self.places, first)

    def were_met(self, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
        place = np.minimum(np.searchsorted(self.pairs, pairs), len(self.pairs) - 1)
        met: NDArray[np.bool_] = self.pairs[place] == pairs
        return met

    def draw(
        self, interactions: Interactions, likes: Rows, each: int, source: np.random.RandomState
    ) -> tuple[Rows, NDArray[np.int64]]:
        """Of the likes' rows: the row of its like, and the item, of everything drawn; likes in order."""
        end_user = interactions.end_user[likes].astype(np.int64)
        by = np.searchsorted(self.moment, interactions.moment[likes], side="right")
        taken = np.empty(0, dtype=np.int64)  # place of the like · v + item
        for _ in range(ROUNDS):
            missing = each - np.bincount(taken // self.items, minlength=len(likes))
            missing[by == 0] = 0
            if not missing.any():
                break
            like = np.repeat(np.arange(len(likes)), missing * PROPOSED)
            item = self.item[(source.random_sample(len(like)) * by[like]).astype(np.int64)]
            kept = source.random_sample(len(like)) < self.popularity(item, by[like]) ** (POWER - 1.0)
            kept &= ~self.were_met(end_user[like] * self.items + item)
            taken = np.r_[taken, _first(like[kept] * self.items + item[kept], taken, missing, self.items)]
        else:
            taken = np.r_[taken, *self._left(end_user, by, taken, each, source)]
        taken = taken[np.argsort(taken // self.items, kind="stable")]
        return likes[taken // self.items], taken % self.items

    def _left(
        self,
        end_user: NDArray[np.int64],
        by: NDArray[np.int64],
        taken: NDArray[np.int64],
        each: int,
        source: np.random.RandomState,
    ) -> list[NDArray[np.int64]]:
        """What is still missing, of who has met nearly all that exists: drawn from a list of what they have not."""
        everything, taken = np.arange(self.items), np.sort(taken)
        has = np.bincount(taken // self.items, minlength=len(by))
        found = []
        for like in np.flatnonzero(has < each).tolist():
            own = taken[slice(*np.searchsorted(taken, [like * self.items, (like + 1) * self.items]))] % self.items
            popularity = self.popularity(everything, np.full(self.items, by[like])).astype(np.float64)
            popularity[own] = 0.0
            popularity[self.were_met(end_user[like] * self.items + everything)] = 0.0
            most = min(each - int(has[like]), int(np.count_nonzero(popularity)))
            if most:
                weight = popularity**POWER * (popularity > 0)
                chosen = source.choice(self.items, size=most, replace=False, p=weight / weight.sum())
                found.append(like * self.items + chosen)
        return found


def _first(
    proposed: NDArray[np.int64], taken: NDArray[np.int64], missing: NDArray[np.int64], items: int
) -> NDArray[np.int64]:
    """Of what is proposed (place of the like · v + item, likes in order) the first that are missing, each once."""
    _, first = np.unique(proposed, return_index=True)
    new = proposed[np.sort(first)]
    new = new[~np.isin(new, taken)]
    like = new // items
    turn = np.arange(len(new)) - np.searchsorted(like, like)
    kept: NDArray[np.int64] = new[turn < missing[like]]
    return kept
