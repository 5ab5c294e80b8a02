"""What the backbone pages show: runs under way, versions, and the scores of both models side by side."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet

from recommender.accounts.visible import within
from recommender.models import Account, BackboneVersion, Catalog, TrainingRun

SCORES = (("auc", "AUC", True), ("gauc", "GAUC", True), ("logloss", "LogLoss", False))  # name, label, more is better


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One score of both models. `gain`: with minus without knowledge; `better`: None where there is no difference.

    `intervals`: of the test part, by model and of the gain. A gain whose interval has both signs is no difference.
    """

    part: str
    label: str
    with_knowledge: float | None
    without_knowledge: float | None
    gain: float | None
    better: bool | None
    intervals: dict[str, Any] = field(default_factory=dict)


def runs(account: Account, catalog: Catalog | None = None) -> QuerySet[TrainingRun]:
    """The account's, newest first."""
    rows = TrainingRun.objects.select_related("catalog", "requested_by", "version").order_by("-pk")
    found = within(rows, account)
    return found.filter(catalog=catalog) if catalog else found


def versions(account: Account, catalog: Catalog | None = None) -> QuerySet[BackboneVersion]:
    """The account's, newest first. `rollout_mode` and `rollout_share`: of the shadow or canary it is tried as."""
    running = FilteredRelation("rollouts", condition=Q(rollouts__ended_at=None))
    rows = (
        BackboneVersion.objects.select_related("catalog", "snapshot", "run")
        .annotate(running=running)
        .annotate(rollout_mode=F("running__mode"), rollout_share=F("running__share"))
        .order_by("-pk")
    )
    found = within(rows, account)
    return found.filter(catalog=catalog) if catalog else found


def score_rows(metrics: dict[str, Any]) -> list[ScoreRow]:
    """The test part first: it was read once, after everything was chosen."""
    rows = []
    for part in ("test", "valid"):
        for name, label, more_is_better in SCORES:
            one, other = (metrics[model][part][name] for model in ("with_knowledge", "without_knowledge"))
            gain = None if one is None or other is None else one - other
            better = (gain > 0) == more_is_better if gain else None
            intervals = _intervals(metrics, name) if part == "test" else {}
            if (sure := intervals.get("gain")) and sure["low"] <= 0 <= sure["high"]:
                better = None
            rows.append(ScoreRow(part, label, one, other, gain, better, intervals))
    return rows


def _intervals(metrics: dict[str, Any], name: str) -> dict[str, Any]:
    """By model and `gain`; without knowledge both models are one."""
    found = {model: of_model.get(name) for model, of_model in metrics.get("intervals", {}).items()}
    return {"with_knowledge": found.get("without_knowledge"), **found}
