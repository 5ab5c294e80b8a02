"""What an experiment found so far, in figures: every interval holds at every look (measures.sequential)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.utils import timezone
from numpy.typing import NDArray

from recommender.experiments import units as reading
from recommender.experiments.units import Units
from recommender.measures import sequential
from recommender.measures.sequential import LEAST_DOING, LEAST_USERS, Interval, Ratio
from recommender.models import EndUser, Experiment, ExperimentKind, Metric
from recommender.process_cache import ProcessCache
from recommender.serving.segments import Value, shared_values
from recommender.serving.variants import HOLDOUT, INTERLEAVED, Variant

ALPHA = 0.05  # what is said is wrong in at most so many experiments
SHARES_ALPHA = 0.001  # of the check of shares, whose alarm stops people
MOST_SEGMENTS = 20
KEPT: ProcessCache[tuple[int, datetime, int, int], "Results"] = ProcessCache("results of experiments", most=16)


@dataclass(frozen=True, slots=True)
class Exposed:
    """One variant so far. `shown`: end users who got a list; `over`: those whose time is over; `value`: the metric."""

    name: str
    shown: int
    over: int
    value: float | None


@dataclass(frozen=True, slots=True)
class Against:
    """A variant against the first one, by one metric. `difference`, `lift`: None while too few are counted.

    `more`: how many more end users, of both, would tell the smallest lift worth knowing; 0 where it is told.
    """

    name: str
    base: str
    metric: Metric
    values: tuple[float | None, float | None]
    over: tuple[int, int]
    difference: Interval | None
    lift: Interval | None
    more: int = 0

    @property
    def found(self) -> str:
        """better, worse or unknown."""
        if self.lift is None or self.lift.low is None or self.lift.high is None:
            return "unknown"
        return "better" if self.lift.low > 0 else "worse" if self.lift.high < 0 else "unknown"


@dataclass(frozen=True, slots=True)
class InSegment:
    """The end users of one attribute's value. `against`: with intervals that hold for all segments together."""

    name: str
    value: str
    against: Against


@dataclass(frozen=True, slots=True)
class Preference:
    """Of mixed lists: end users who clicked more of the second's items (`wins`), of the first's, of both alike.

    `chance`: of a win, among those who prefer one.
    """

    wins: int
    losses: int
    ties: int
    chance: Interval


@dataclass(frozen=True, slots=True)
class Shares:
    """Whether end users were dealt out as meant. `evidence`: measures.sequential.against_shares."""

    counts: Sequence[tuple[str, int, float]]  # name, end users, share that was meant
    evidence: float

    @property
    def wrong(self) -> bool:
        return self.evidence >= 1 / SHARES_ALPHA


@dataclass(frozen=True, slots=True)
class Results:
    """All of it. `others`: the other metrics, and the held out, which decide nothing. `cleared`: whether old lists are
    cleared (R4_KEEP_SERVED_DAYS) that were part of it."""

    experiment: Experiment
    made_at: datetime
    exposed: Sequence[Exposed]
    primary: Sequence[Against]
    others: Sequence[Against]
    segments: Sequence[InSegment]
    preference: Preference | None
    shares: Shares
    lists: int
    waiting: int
    twice: int
    cleared: bool


def results_of(experiment: Experiment) -> Results:
    """Kept by a process for some seconds: reading all events takes a while."""
    catalog = experiment.catalog
    key = (experiment.pk, experiment.created_at, catalog.erasures, catalog.experiment_changes)
    return KEPT.get(key, lambda: compute(experiment, now=timezone.now()), fresh_for=lambda took: max(2.0, 20 * took))


def compute(experiment: Experiment, *, now: datetime) -> Results:
    """`experiment.catalog` is loaded; it has been started."""
    units = reading.read(experiment, now=now)
    names = [each["name"] for each in experiment.variants]
    mixed = experiment.kind == ExperimentKind.INTERLEAVED
    primary = Metric(experiment.primary)
    comparisons = max(1, len(names) - 1)
    alpha = ALPHA / comparisons
    compared = [] if mixed else [_against(experiment, units, primary, names[0], name, alpha) for name in names[1:]]
    others = [
        _against(experiment, units, metric, names[0], name, alpha)
        for metric in Metric
        if metric != primary and not mixed
        for name in names[1:]
    ]
    if experiment.holdout:
        held = [INTERLEAVED] if mixed else names
        others += [_against(experiment, units, primary, HOLDOUT, name, ALPHA / len(held)) for name in held]
    everybody = [*([INTERLEAVED] if mixed else names), *([HOLDOUT] if experiment.holdout else [])]
    keep = settings.KEEP_SERVED_DAYS
    return Results(
        experiment=experiment,
        made_at=now,
        exposed=[_exposed(units, primary, name) for name in everybody],
        primary=compared,
        others=others,
        segments=[] if mixed else list(_segments(experiment, units, primary, names, alpha)),
        preference=_preference(units) if mixed else None,
        shares=_shares(experiment, units, everybody),
        lists=units.lists_shown,
        waiting=sum(units.shown.values()) - len(units.people),
        twice=units.twice,
        cleared=bool(keep and experiment.started_at and experiment.started_at < now - timedelta(days=keep)),
    )


def _exposed(units: Units, metric: Metric, name: str) -> Exposed:
    rows = units.variant == name
    return Exposed(name, units.shown.get(name, 0), int(rows.sum()), _value(Ratio.of(*units.of(metric, rows))))


def _value(ratio: Ratio) -> float | None:
    return None if np.isnan(ratio.value) else ratio.value


def _against(
    experiment: Experiment,
    units: Units,
    metric: Metric,
    base: str,
    name: str,
    alpha: float,
    among: NDArray[np.bool_] | None = None,
) -> Against:
    """`among` (n): the end users that are looked at; all unless given."""
    within = np.ones(len(units.people), dtype=np.bool_) if among is None else among
    sums = [units.of(metric, within & (units.variant == each)) for each in (base, name)]
    one, other = (Ratio.of(*each) for each in sums)
    values, over = (_value(one), _value(other)), (one.n, other.n)
    enough = all(len(top) >= LEAST_USERS and np.count_nonzero(top) >= LEAST_DOING for top, _ in sums)
    if not enough:
        return Against(name, base, metric, values, over, None, None)
    planned = float(experiment.planned)
    lift = sequential.lift(one, other, planned=planned, alpha=alpha)
    difference = sequential.difference(one, other, planned=planned, alpha=alpha)
    effect = experiment.smallest_lift * one.value
    more = max(0, sequential.needed(one, other, effect, planned=planned, alpha=alpha) - one.n - other.n)
    return Against(name, base, metric, values, over, difference, lift, more)


def _preference(units: Units) -> Preference:
    ahead = np.sign(units.sides[:, 1] - units.sides[:, 0])
    clicked = units.sides.sum(axis=1) > 0
    wins, losses = int((ahead > 0).sum()), int((ahead < 0).sum())
    chance = sequential.preference(wins, losses, alpha=ALPHA)
    return Preference(wins, losses, int((clicked & (ahead == 0)).sum()), chance)


def _shares(experiment: Experiment, units: Units, names: Sequence[str]) -> Shares:
    if experiment.kind == ExperimentKind.INTERLEAVED:
        weights = {INTERLEAVED: 1.0}
    else:
        variants = [Variant.from_json(each) for each in experiment.variants]
        total = sum(each.weight for each in variants)
        weights = {each.name: each.weight / total for each in variants}
    meant = {name: weight * (1 - experiment.holdout) for name, weight in weights.items()} | {
        HOLDOUT: experiment.holdout
    }
    counts = [(name, units.shown.get(name, 0), meant[name]) for name in names]
    evidence = sequential.against_shares([count for _, count, _ in counts], [share for *_, share in counts])
    return Shares(counts, evidence)


def _segments(
    experiment: Experiment, units: Units, metric: Metric, names: Sequence[str], alpha: float
) -> list[InSegment]:
    """The most common values that enough end users of each variant have; alpha is shared among
    MOST_SEGMENTS, however many there are yet (Bonferroni): so all intervals hold together, at every look."""
    shared = shared_values(experiment.catalog)
    if not shared or not len(units.people):
        return []
    attributes: dict[int, dict[str, Any]] = {}
    for first in range(0, len(units.people), 500):
        some = units.people[first : first + 500].tolist()
        attributes.update(EndUser.objects.filter(pk__in=some).values_list("pk", "attributes"))
    rows: dict[tuple[str, Value], list[int]] = {}
    for row, pk in enumerate(units.people.tolist()):
        for pair in attributes.get(pk, {}).items():
            if isinstance(pair[1], str | int | float) and pair in shared:
                rows.setdefault(pair, []).append(row)
    found = []
    for pair in sorted(rows, key=lambda pair: (-shared[pair], str(pair)))[:MOST_SEGMENTS]:
        among = np.zeros(len(units.people), dtype=np.bool_)
        among[rows[pair]] = True
        if all(int((among & (units.variant == name)).sum()) >= LEAST_USERS for name in names):
            found.append((pair, among))
    return [
        InSegment(
            pair[0], str(pair[1]), _against(experiment, units, metric, names[0], name, alpha / MOST_SEGMENTS, among)
        )
        for pair, among in found
        for name in names[1:]
    ]
