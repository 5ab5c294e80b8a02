"""What the page of an experiment shows: figures as rows and intervals, in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from recommender.accounts.visible import within
from recommender.experiments import words
from recommender.experiments.results import Against, Results
from recommender.experiments.words import percent, signed
from recommender.measures.sequential import Interval
from recommender.models import Account, Catalog, Experiment, Metric
from recommender.serving.variants import HOLDOUT, Variant
from reviews.pages.charts import Mark, intervals
from reviews.pages.experiments.forms import METRICS, SOURCES


def experiments(account: Account, catalog: Catalog | None = None) -> QuerySet[Experiment]:
    """Those one may see, newest first."""
    rows = within(Experiment.objects.select_related("catalog", "created_by", "started_by", "stopped_by"), account)
    return (rows.filter(catalog=catalog) if catalog else rows).order_by("-pk")


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison as the table says it."""

    label: str
    base: str
    other: str
    lift: str
    between: str
    said: str


def value(metric: Metric, number: float | None) -> str:
    if number is None:
        return "–"
    return f"{number:.2f}" if metric == Metric.RATING else percent(number)


def rows(compared: Iterable[Against], *, label: Any, unknown: str) -> list[Row]:
    """`label`: of a comparison. `unknown`: what is said of one that says nothing."""
    return [
        Row(
            label(each),
            value(each.metric, each.values[0]),
            value(each.metric, each.values[1]),
            signed(each.lift.estimate) if each.lift else "–",
            _between(each.lift),
            {"better": "Better", "worse": "Worse"}.get(each.found, unknown),
        )
        for each in compared
    ]


def _between(lift: Interval | None) -> str:
    if lift is None or lift.low is None or lift.high is None:
        return "–"
    return f"{signed(lift.low)} to {signed(lift.high)}"


def chart(results: Results) -> SafeString | str:
    """The lifts of all variants; empty while none is known."""
    known = [each for each in results.primary if each.lift and each.lift.low is not None]
    if not known:
        return ""
    tones = {"better": "good", "worse": "bad"}
    marks = [
        Mark(f"{each.name} against {each.base}", *_points(each.lift), tone=tones.get(each.found, "plain"))
        for each in known
        if each.lift
    ]
    said = "; ".join(f"{mark.label} {signed(mark.low)} to {signed(mark.high)}" for mark in marks)
    return intervals("lift", "Lift", f"{said}.", marks, signed=True, write=signed)


def _points(lift: Interval) -> tuple[float, float, float]:
    low, high = (0.0 if edge is None else edge for edge in (lift.low, lift.high))
    return lift.estimate, low, high


def variant_words(variant: Variant) -> str:
    """What a variant serves, in words."""
    parts = [f"model {variant.version}" if variant.version else "whichever model is active"]
    if not variant.knowledge:
        parts.append("no texts")
    if variant.steering is not None:
        parts.append(f"statements at strength {variant.steering:g}")
    if variant.explain:
        parts.append({"none": "no reasons", "short": "short reasons", "full": "full reasons"}[variant.explain])
    return ", ".join(parts)


def plan_rows(experiment: Experiment) -> list[tuple[str, str, str]]:
    """Name, share of the users, what it serves."""
    variants = [Variant.from_json(each) for each in experiment.variants]
    total = sum(each.weight for each in variants)
    left = 1 - experiment.holdout
    shares = [percent(left * each.weight / total) for each in variants]
    if experiment.kind == "interleaved":
        shares = ["half of each list"] * len(variants)
    made = [(each.name, share, variant_words(each)) for each, share in zip(variants, shares, strict=True)]
    if experiment.holdout:
        source = SOURCES[experiment.holdout_source].lower()
        made.append((HOLDOUT, percent(experiment.holdout), f"{source}, for everybody alike"))
    return made


def page(results: Results) -> dict[str, Any]:
    """What the template draws."""
    experiment = results.experiment
    primary, unknown = Metric(experiment.primary), words.open_words(experiment)
    return {
        "results": results,
        "verdicts": words.verdicts(results),
        "warning": words.shares_warning(results),
        "dealt": words.shares_words(results),
        "exposed": [(each, value(primary, each.value)) for each in results.exposed],
        "chart": chart(results),
        "rows": rows(results.primary, label=_pair, unknown=unknown),
        "others": rows(results.others, label=_named, unknown=unknown),
        "segments": rows([one.against for one in results.segments], label=_pair, unknown=unknown),
        "segment_names": [f"{one.name} {one.value}" for one in results.segments],
        "users": sum(each.shown for each in results.exposed),
        "counted": sum(each.over for each in results.exposed),
    }


def _pair(against: Against) -> str:
    return f"{against.name} against {against.base}"


def _named(against: Against) -> str:
    return f"{METRICS[against.metric]}: {_pair(against)}"


def with_names(names: Sequence[str], made: Sequence[Row]) -> list[tuple[str, Row]]:
    return list(zip(names, made, strict=True))
