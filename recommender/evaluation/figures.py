"""Figures of an evaluation: what its fits predicted for the test part, as metrics and differences with intervals.

Each fit's metrics are drawn once, over the same end users as every other fit's, and kept; any difference between arms
is then a subtraction. Numpy only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.arms import ARMS, BASE, PLAIN, PUBLISHED, SCORED
from recommender.measures import statistics
from recommender.measures.bootstrap import DRAWS, Drawn, draw, of_draws
from recommender.measures.statistics import METRICS, Mean
from recommender.measures.thinkrec import thinkrec
from recommender.recipe import CONTROLS, KNOWLEDGE

ALL = "all"
OF_SLICES = ("auc", "gauc", "logloss")  # what is asked of each slice; of everybody all METRICS and ThinkRec's are
THINKREC_AT = 5  # the k of its paper's tables
LESS_IS_BETTER = ("logloss", "ece")


class Key(NamedTuple):
    """Which figure of a fit."""

    history: str  # of HISTORIES
    slice: str
    metric: str


@dataclass(frozen=True, slots=True)
class Samples:
    """The test part: m samples, the same for every fit."""

    label: NDArray[np.int8]  # (m)
    end_user: NDArray[np.int32]  # (m)
    slices: Mapping[str, NDArray[np.bool_]]  # masks (m); ALL among them

    def counts(self) -> dict[str, dict[str, int]]:
        return {
            name: {"samples": int(rows.sum()), "end_users": len(np.unique(self.end_user[rows]))}
            for name, rows in self.slices.items()
        }


class FitKey(NamedTuple):
    """Which fit."""

    backbone: str
    arm: str
    seed: int


def draws_of(
    tested: Samples, probability: Mapping[str, NDArray[np.floating[Any]]], *, draws: int = DRAWS
) -> dict[Key, Drawn]:
    """Every metric of one fit. `probability`: (m) by history."""
    found = {}
    for history, values in probability.items():
        for name, rows in tested.slices.items():
            if not rows.any():
                continue
            part = tested.label[rows], values[rows], tested.end_user[rows]
            for metric in METRICS if name == ALL else OF_SLICES:
                found[Key(history, name, metric)] = draw(statistics.of(metric, *part), draws=draws)
        theirs = thinkrec(tested.label, values, tested.end_user, at=(THINKREC_AT,))
        found |= {
            Key(history, ALL, metric): draw(Mean.over_end_users(each), draws=draws) for metric, each in theirs.items()
        }
    return found


def of_lists(history: str, each: Mapping[str, NDArray[np.float64]], *, draws: int = DRAWS) -> dict[Key, Drawn]:
    """List metrics of one fit from their values of each end user whose catalog was ranked."""
    return {
        Key(history, ALL, metric): draw(Mean.over_end_users(values), draws=draws) for metric, values in each.items()
    }


def comparisons(arms: Iterable[str]) -> list[tuple[str, str]]:
    """Which arms are compared, each less the other: knowledge and what stands in for it against none, knowledge
    against each control, and what the base adds to plainer inputs.
    """
    there = set(arms)
    informed = [name for name, arm in ARMS.items() if arm.source and name not in CONTROLS]
    pairs = [(one, BASE) for one in informed]
    pairs += [(KNOWLEDGE, control) for control in CONTROLS]
    pairs += [(control, BASE) for control in CONTROLS]
    pairs += [(SCORED, BASE), (PUBLISHED, PLAIN), (BASE, "strong"), ("strong", PLAIN), (BASE, PLAIN)]
    return [pair for pair in pairs if there.issuperset(pair)]


def figures(drawn: Mapping[FitKey, Mapping[Key, Drawn]], tested: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """All of it as JSON: {"arms": […], "differences": […], "slices": Samples.counts}.

    Each is {"backbone", "arm" or "one" and "other", "history", "slice", "metric", "estimate", "low", "high", "seeds"}.
    A difference takes the seeds that both arms have done.
    """
    found: dict[str, Any] = {"arms": [], "differences": [], "slices": dict(tested)}
    for backbone in dict.fromkeys(fit.backbone for fit in drawn):
        runs: dict[str, dict[int, Mapping[Key, Drawn]]] = {}
        for fit, own in drawn.items():
            if fit.backbone == backbone:
                runs.setdefault(fit.arm, {})[fit.seed] = own
        for arm in sorted(runs, key=list(ARMS).index):
            rows = _rows(list(runs[arm].values()))
            found["arms"] += [{"backbone": backbone, "arm": arm, **row} for row in rows]
        for one, other in comparisons(runs):
            seeds = sorted(runs[one].keys() & runs[other].keys())
            rows = _rows([runs[one][seed] for seed in seeds], against=[runs[other][seed] for seed in seeds])
            found["differences"] += [{"backbone": backbone, "one": one, "other": other, **row} for row in rows]
    return found


def _rows(
    runs: Sequence[Mapping[Key, Drawn]], *, against: Sequence[Mapping[Key, Drawn]] | None = None
) -> list[dict[str, Any]]:
    """What of_draws says of each figure that all have. A figure of one class only has none."""
    shared = [key for key in runs[0] if all(key in run for run in [*runs, *(against or [])])] if runs else []
    rows = []
    for key in shared:
        other = None if against is None else [run[key] for run in against]
        interval = of_draws([run[key] for run in runs], against=other)
        if interval is not None:
            said = {"estimate": interval.estimate, "low": interval.low, "high": interval.high, "seeds": interval.seeds}
            rows.append(key._asdict() | said)
    return rows
