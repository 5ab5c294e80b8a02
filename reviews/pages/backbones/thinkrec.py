"""What the page of models shows of language models: those that learn to recommend, and those that order lists."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from recommender.accounts.visible import within
from recommender.llm.labels import Label, label_of
from recommender.models import Account, Catalog, Run, RunState, ScoringRun, ThinkrecRun
from recommender.runs.kinds import Stage, stage_of
from recommender.runs.service import UNFINISHED
from recommender.thinkrec import ablation
from recommender.thinkrec.scoring import lists

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One run. `came`: what came of it, in a few words, empty for a learning; `model`: who orders, where
    that is known; `tokens`: computed so far; `cancel`: where it is stopped, empty once it has ended.
    `label`: what people should know of the model."""

    run: Run
    name: str
    stage: Stage
    came: str
    model: str
    tokens: int
    cancel: str
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """One stage of a learning that is done. `before`, `after`: (AUC, UAUC) of the valid part."""

    name: str
    steps: int
    parameters: int
    before: tuple[float | None, float | None]
    after: tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Tested:
    """What the ratings say that a scoring run held out; a measure that they cannot tell is None."""

    name: str
    samples: int
    auc: float | None
    uauc: float | None
    ndcg: float | None
    map: float | None
    logloss: float
    ece: float


@dataclass(frozen=True, slots=True)
class Shown:
    """The account's latest runs of both kinds, newest first; `learned` and `tested`: the figures behind them."""

    learning: list[Row]
    ordering: list[Row]
    learned: list[Learned]
    tested: list[Tested]

    @property
    def is_under_way(self) -> bool:
        return any(row.cancel for row in (*self.learning, *self.ordering))


def shown(account: Account, catalog: Catalog | None) -> Shown:
    learning, ordering = list(_learning(account, catalog)[:SHOWN]), list(_ordering(account, catalog)[:SHOWN])
    return Shown(
        [_learning_row(run) for run in learning],
        [_ordering_row(run) for run in ordering],
        [one for run in learning if run.state == RunState.DONE for one in _stages(run)],
        [_tested(run, test) for run in ordering if (test := run.metrics.get("test"))],
    )


def _learning(account: Account, catalog: Catalog | None) -> QuerySet[ThinkrecRun]:
    found = within(ThinkrecRun.objects.select_related("catalog").order_by("-pk"), account)
    return found.filter(catalog=catalog) if catalog else found


def _ordering(account: Account, catalog: Catalog | None) -> QuerySet[ScoringRun]:
    """Without evaluations, which have a page of their own."""
    found = within(ScoringRun.objects.select_related("catalog").order_by("-pk"), account)
    found = found.exclude(config__has_key="part")
    return found.filter(catalog=catalog) if catalog else found


def _learning_row(run: ThinkrecRun) -> Row:
    without = ablation.words(ablation.left_out(run.config.get("without", ())))
    name = f"{run.catalog}, learning {run.pk}{without}"
    cancel, label = _cancel("cancel_learning", run), label_of(str(run.config.get("base", "")))
    return Row(run, name, stage_of(run), "", "", run.progress.get("tokens", 0), cancel, label)


def _ordering_row(run: ScoringRun) -> Row:
    name, cost = f"{run.catalog}, scoring {run.pk}", run.metrics.get("cost", {})
    made = cost.get("lists", 0)
    came = f"{made:,} list{'' if made == 1 else 's'}"
    tokens = cost.get("read", 0) + cost.get("written", 0)
    cancel, label = _cancel("cancel_scoring", run), lists.label_of(run)
    return Row(run, name, stage_of(run), came, run.metrics.get("model", ""), tokens, cancel, label)


def _cancel(name: str, run: Run) -> str:
    return reverse(f"reviews:{name}", args=[run.pk]) if run.state in UNFINISHED else ""


def _stages(run: ThinkrecRun) -> Iterator[Learned]:
    metrics = run.metrics
    named = {"for everybody": metrics.get("global"), "projector": metrics.get("projector")}
    named |= {f"group {name.removeprefix('group-')}": one for name, one in metrics.get("groups", {}).items()}
    for name, one in named.items():
        if one:
            best = next((epoch for epoch in one["epochs"] if epoch["epoch"] == one["best_epoch"]), one["before"])
            yield Learned(
                f"{run.catalog}, learning {run.pk}: {name}",
                one["steps"],
                one["trained_parameters"],
                _valid(one["before"]),
                _valid(best),
            )


def _valid(epoch: Mapping[str, Any]) -> tuple[float | None, float | None]:
    return epoch["auc"], epoch["uauc"]


def _tested(run: ScoringRun, test: Mapping[str, Any]) -> Tested:
    return Tested(
        f"{run.catalog}, scoring {run.pk}",
        test["samples"],
        test["auc"],
        test["thinkrec_uauc"],
        test["thinkrec_ndcg@5"],
        test["thinkrec_map@5"],
        test["logloss"],
        test["ece"],
    )
