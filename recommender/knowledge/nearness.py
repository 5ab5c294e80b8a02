"""Which terms of texts mean what a phrase says, by cosines. Numpy only."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.grounding.terms import stemmed
from recommender.knowledge.encoder_choice import MINILM

MOST_NEAR = 12  # terms
LEAST_DEGREE = 0.5  # of a term that is only just near


@dataclass(frozen=True, slots=True)
class Threshold:
    """Cosines from which a term means a phrase: `near` in other words, `part` where it is some of the phrase's own."""

    near: float
    part: float


# Chosen on phrases that docs/experiments-steering.md describes. Cosines of other encoders have not been looked at:
# with them phrases are met by their own words.
THRESHOLDS = {MINILM: Threshold(0.72, 0.8)}


def nearest(
    said: Sequence[str], terms: Sequence[str], cosines: NDArray[np.float32], encoder: str
) -> list[list[object]]:
    """Term and degree, above 0 and below 1, the nearest first; `said`: the words of the phrase, `cosines` (terms)."""
    threshold = THRESHOLDS.get(encoder)
    if threshold is None:
        return []
    own = set(map(stemmed, said))
    order = np.argsort(-cosines, kind="stable")
    found: list[list[object]] = []
    for place in order[: 4 * MOST_NEAR].tolist():
        cosine, stems = float(cosines[place]), set(stemmed(terms[place]).split())
        least = threshold.part if stems < own else threshold.near
        if cosine >= least and not _says_more(stems, own):
            found.append([terms[place], round(_degree(cosine, threshold), 3)])
    return found[:MOST_NEAR]


def _says_more(stems: Set[str], own: Set[str]) -> bool:
    """Whether the term is the phrase's words and others: what has it has the phrase's own words."""
    return stems >= own


def _degree(cosine: float, threshold: Threshold) -> float:
    share = (cosine - threshold.near) / (1 - threshold.near)
    return min(0.99, LEAST_DEGREE + (1 - LEAST_DEGREE) * max(0.0, share))
