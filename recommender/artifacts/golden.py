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

FILE, EFFECTS = "golden.json", "golden_effects.json"
BESIDE = ("effects", "of_text")  # what EFFECTS has of each, so that earlier releases read FILE
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

    `tokens`: ranker.Ranker.tokens_of. `effects`: what each of the LATEST entries of the history (e), were it all there
    is, did by the graph to the logits of the first ONE_BY_ONE items (·, e), and `of_text` (·) the text; empty before
    they were stored.
    """

    end_user: str
    tokens: Sequence[int]
    history: Sequence[Entry]
    items: Sequence[str]
    scores: Sequence[float]
    effects: Sequence[Sequence[float]] = ()
    of_text: Sequence[float] = ()


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
    told = [asdict(one) for one in golden]
    beside = [{name: one.pop(name) for name in BESIDE} for one in told]
    (folder / FILE).write_text(json.dumps(told, ensure_ascii=False))
    if any(one["effects"] for one in beside):
        (folder / EFFECTS).write_text(json.dumps(beside))
    else:
        (folder / EFFECTS).unlink(missing_ok=True)


def read(folder: Path) -> list[GoldenUser] | None:
    """None where the artifact was made before there were golden users. Raises ArtifactError."""
    try:
        listed = json.loads((folder / FILE).read_text())
        beside = json.loads((folder / EFFECTS).read_text()) if (folder / EFFECTS).is_file() else []
        if len(beside) != len(listed):
            beside = [{}] * len(listed)
        return [
            GoldenUser(**one | {"history": [Entry(**met) for met in one["history"]]} | also)
            for one, also in zip(listed, beside, strict=True)
        ]
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


def effects_of(ranking: Ranker, user: GoldenUser, *, items: int = ONE_BY_ONE) -> tuple[Any, Any]:
    """GoldenUser.effects and .of_text by a ranker, of the first `items`."""
    return ranking.effects(user.end_user, user.history[-LATEST:], user.items[:items])


def compare_effects(one: Ranker, other: Ranker, golden: Sequence[GoldenUser]) -> float:
    """The largest difference, in logits, of what entries of golden users' histories and texts did by a ranker from what
    was stored of it; where nothing was, from what another ranker says.

    NaN counts as infinite.
    """
    differ = 0.0
    for user in golden:
        count = len(user.effects) or ONE_BY_ONE
        expected = (user.effects, user.of_text) if user.effects else effects_of(other, user)
        for found, known in zip(effects_of(one, user, items=count), expected, strict=True):
            differ = _largest(differ, found, known)
    return differ


def _largest(so_far: float, one: Any, other: Any) -> float:
    """NaN counts as infinite: it must never look small."""
    found = np.abs(np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64))
    return max(so_far, float(np.nan_to_num(found, nan=np.inf).max(initial=0.0)))
