"""An experiment and what it found as one JSON object: the members that REST answers with, for commands."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from recommender.experiments.results import Results, results_of
from recommender.experiments.words import Said, verdicts
from recommender.models import Experiment
from recommender.times import written

WRITTEN = (
    "key", "state", "kind", "scenario", "variants", "primary", "window_hours", "planned", "smallest_lift", "holdout",
    "holdout_source", "salt", "created_at", "started_at", "stopped_at", "stop_reason",
)  # fmt: skip


def as_written(experiment: Experiment) -> dict[str, Any]:
    return {name: _plain(getattr(experiment, name)) for name in WRITTEN}


def with_results(experiment: Experiment) -> dict[str, Any]:
    """`results` is None of a draft. `experiment.catalog` is loaded."""
    found = _found(results_of(experiment)) if experiment.started_at else None
    return as_written(experiment) | {"results": found}


def _found(results: Results) -> dict[str, Any]:
    preference = results.preference
    return {
        "made_at": _plain(results.made_at),
        "verdicts": [_verdict(each) for each in verdicts(results)],
        "shares_evidence": results.shares.evidence,
        "exposed": [asdict(each) for each in results.exposed],
        "primary": [_against(asdict(each)) for each in results.primary],
        "others": [_against(asdict(each)) for each in results.others],
        "segments": [asdict(each) | {"against": _against(asdict(each.against))} for each in results.segments],
        "preference": asdict(preference) if preference else None,
        **{name: getattr(results, name) for name in ("lists", "waiting", "twice")},
    }


def _verdict(said: Said) -> dict[str, Any]:
    return {each.name: getattr(said, each.name) for each in fields(said) if each.name != "tone"}


def _against(found: Mapping[str, Any]) -> dict[str, Any]:
    """The members of Against that REST has."""
    return {name: found[name] for name in ("name", "base", "metric", "difference", "lift", "more")}


def _plain(value: Any) -> Any:
    return written(value) if isinstance(value, datetime) else value
