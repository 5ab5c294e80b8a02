"""Golden users: real end users, and what the trained backbone said of them before it was exported.

They lie in the artifact, so that any process can ask whether what it has loaded still says the same. Of a person only
what scoring takes is kept: id, history, and the tokens of their attributes, never the attributes. Torch-free.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recommender.artifacts.ranker import ArtifactError, Ranker

FILE = "golden.json"
TOLERANCE = 1e-5
ONE_BY_ONE = 8  # items of each golden user that are also scored alone
EFFECTS_TOLERANCE = 1e-4  # in logits, which reasons are rounded to
LATEST = 64  # of a golden user's history: so many entries are left out, one after the other, in no time


@dataclass(frozen=True, slots=True)
class Entry:
    """One interaction of a history, as ranker.HistoryEntry has it."""

    item_id: str
    rating: float | None
    label: int | None


@dataclass(frozen=True, slots=True)
class GoldenUser:
    """`scores`: the trained backbone's probability for each of `items`, nothing folded or exported.

    `tokens`: ranker.Ranker.tokens_of.
    """

    end_user: str
    tokens: Sequence[int]
    history: Sequence[Entry]
    items: Sequence[str]
    scores: Sequence[float]


@dataclass(frozen=True, slots=True)
class Differences:
    """The largest ones of probabilities, over all golden users and items."""

    eager_and_served: float
    one_and_many: float
    end_users: int

    @property
    def are_small(self) -> bool:
        """False for NaN too."""
        return self.eager_and_served <= TOLERANCE and self.one_and_many <= TOLERANCE


def save(folder: Path, golden: Sequence[GoldenUser]) -> None:
    (folder / FILE).write_text(json.dumps([asdict(one) for one in golden], ensure_ascii=False))


def read(folder: Path) -> list[GoldenUser] | None:
    """None where the artifact was made before there were golden users. Raises ArtifactError."""
    try:
        listed = json.loads((folder / FILE).read_text())
        return [GoldenUser(**one | {"history": [Entry(**met) for met in one["history"]]}) for one in listed]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ArtifactError(f"Its golden users cannot be read ({type(error).__name__}).") from error


def compare(ranking: Ranker, golden: Sequence[GoldenUser]) -> Differences:
    """What `ranking` says of them now against what was said then, and of one item alone against all at once."""
    eager = alone = 0.0
    for one in golden:
        served = ranking.score(one.end_user, one.history, one.items, tokens=one.tokens)
        eager = _largest(eager, served, one.scores)
        few = [
            ranking.score(one.end_user, one.history, [item], tokens=one.tokens)[0] for item in one.items[:ONE_BY_ONE]
        ]
        alone = _largest(alone, served[: len(few)], few)
    return Differences(eager, alone, len(golden))


def compare_effects(one: Ranker, other: Ranker, golden: Sequence[GoldenUser]) -> float:
    """The largest difference, in logits, of what entries of golden users' histories and texts did by two rankers.

    NaN counts as infinite.
    """
    differ = 0.0
    for user in golden:
        asked = (user.end_user, user.history[-LATEST:], user.items[:ONE_BY_ONE])
        for found, expected in zip(one.effects(*asked), other.effects(*asked), strict=True):
            differ = _largest(differ, found, expected)
    return differ


def _largest(so_far: float, one: Any, other: Any) -> float:
    """NaN counts as infinite: it must never look small."""
    found = np.abs(np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64))
    return max(so_far, float(np.nan_to_num(found, nan=np.inf).max(initial=0.0)))
