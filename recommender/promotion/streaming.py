"""What a version says of rated items, each with the history before it, through the very ranker that serves.

Texts that know too much of the rows are hidden as on the test bed.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from recommender.artifacts import verified
from recommender.dataset.interactions import Interactions, fitted_on
from recommender.dataset.split import Codes
from recommender.models import BackboneVersion, EndUser
from recommender.promotion.test_bed import histories_of, knows_too_much
from recommender.signals.newer import Newer


class Streaming:
    """One version on `rows`, ascending. `codes` (n): what it may have been fitted on; `leaking` (n): which interactions
    it may not be tested on.

    Raises ArtifactError where the version cannot be used.
    """

    def __init__(
        self, version: BackboneVersion, interactions: Interactions, codes: Codes, rows: NDArray[np.int64]
    ) -> None:
        owner = interactions.end_user[rows]
        first = rows[np.r_[True, owner[1:] != owner[:-1]]]
        self.leaking, late = knows_too_much(version, interactions, first)
        hidden = {interactions.end_users[number] for number in late}
        ranker = verified.load(version)
        known = {name: row for name, row in ranker.end_users.items() if name not in hidden}
        self._ranker, self._interactions = replace(ranker, end_users=known), interactions
        self._numbers = ranker.numbers(interactions.items)
        self._newer = Newer(interactions, fitted_on(interactions, codes))

    def probability(self, end_user: EndUser, rows: Sequence[int]) -> list[float]:
        """Of these rows of the end user (n), oldest first."""
        known = histories_of([end_user.pk])[end_user.pk]
        found: list[float] = []
        for moment, group in groupby(rows, key=lambda row: int(self._interactions.moment[row])):
            past = [entry for before, entry in known if before < moment]
            of = list(group)
            places, number = self._interactions.item[of], int(self._interactions.end_user[of[0]])
            counted = self._ranker.counted_then(self._numbers, self._newer, moment=moment, end_user=number)
            found += self._ranker.score(
                end_user.external_id,
                past,
                self._numbers[places],
                attributes=end_user.attributes,
                counted=counted and replace(counted, each=counted.each[places]),
            ).tolist()
        return found
