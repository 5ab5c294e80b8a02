"""What the evaluation pages show: the report in words, the tables, and the plots beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.safestring import SafeString

from recommender.accounts.visible import within
from recommender.dataset.histories import FROZEN, HISTORIES, STREAMING
from recommender.evaluation.arms import ARMS, BASE, Study
from recommender.evaluation.figures import ALL, LESS_IS_BETTER
from recommender.evaluation.report import DECIDING, NAMES, OF_LISTS, Finding, about_rows, about_texts, report
from recommender.models import Account, Catalog, Evaluation, RunState
from recommender.recipe import BACKBONES, KNOWLEDGE, TrainConfig, said_of_chance
from recommender.runs.kinds import Stage, stage_of
from recommender.setting import label_of
from reviews.pages.charts import Line, Mark, curves, intervals

SHORT = (
    (STREAMING, "auc"),
    (STREAMING, "gauc"),
    (STREAMING, "logloss"),
    (FROZEN, "auc"),
    (FROZEN, "gauc"),
    (FROZEN, OF_LISTS),
)
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure with its interval; `tone`: good or bad where a difference's interval leaves out zero."""

    label: str
    estimate: float
    low: float
    high: float
    tone: str


@dataclass(frozen=True, slots=True)
class TableRow:
    name: str
    detail: str
    cells: list[Cell | None]


@dataclass(frozen=True, slots=True)
class Table:
    caption: str
    head: str  # of the first column
    columns: list[str]
    rows: list[TableRow]
    signed: bool  # differences


@dataclass(frozen=True, slots=True)
class Plot:
    title: str
    svg: SafeString


@dataclass(frozen=True, slots=True)
class Section:
    """One backbone's part of a page. `details`: every metric, for those who look for it."""

    finding: Finding
    tables: list[Table]
    details: list[Table]
    plots: list[Plot]

    @property
    def metrics(self) -> list[str]:
        """What the details have figures of."""
        return list(dict.fromkeys(column for table in self.details for column in table.columns))


def evaluations(account: Account, catalog: Catalog | None = None) -> QuerySet[Evaluation]:
    """The account's, newest first."""
    rows = Evaluation.objects.select_related("catalog", "requested_by", "snapshot").order_by("-pk")
    found = within(rows.annotate(done=Count("fits")), account)
    return found.filter(catalog=catalog) if catalog else found


def headline(evaluation: Evaluation) -> tuple[str, str]:
    """The first finding in one sentence, and its tone; empty where nothing is done yet."""
    found = _findings(evaluation)
    if not found:
        return "", ""
    others = len(found) - 1
    more = f" {others} more {'model' if others == 1 else 'models'} on its page." if others else ""
    so_far = "" if evaluation.state == RunState.DONE else "So far: "
    return so_far + found[0].headline + more, found[0].tone


def fits_asked(evaluation: Evaluation) -> int:
    config = evaluation.config
    return len(config["backbones"]) * len(config["arms"]) * int(config["seeds"])


def stage(evaluation: Evaluation) -> Stage:
    """What it is at; a fit is named by its backbone, arm and seed."""
    known = stage_of(evaluation)
    backbone, *rest = evaluation.progress.get("stage", "").split(",")
    return replace(known, label=",".join([BACKBONES[backbone].label, *rest])) if backbone in BACKBONES else known


def sections(evaluation: Evaluation) -> list[Section]:
    return [_section(evaluation, finding) for finding in _findings(evaluation)]


def _findings(evaluation: Evaluation) -> list[Finding]:
    return report(evaluation.figures, texts=evaluation.facts.get("texts"))


def about(evaluation: Evaluation) -> list[str]:
    """Which rows and which texts it was, in sentences, and of what order; none before it has read them."""
    if not evaluation.facts:
        return []
    study, catalog = Study.from_json(evaluation.config), evaluation.catalog
    by_chance = said_of_chance(study.backbones, catalog.clock, drift=TrainConfig.from_json(study.settings).drift)
    told = [of(evaluation.config, evaluation.facts) for of in (about_rows, about_texts)]
    return [*told, by_chance] if by_chance else told


def across(evaluation: Evaluation) -> list[Plot]:
    """Plots of all backbones beside each other; none where there is one."""
    plots = []
    for metric in DECIDING:
        gains = [
            row
            for row in evaluation.figures.get("differences", ())
            if (row["one"], row["other"], row["metric"], row["history"], row["slice"])
            == (KNOWLEDGE, BASE, metric, STREAMING, ALL)
        ]
        if len(gains) > 1:
            marks = [_mark(row, _backbone(row["backbone"])) for row in gains]
            title = f"{NAMES[metric]} gained by knowledge, with each backbone"
            plots.append(Plot(title, intervals(f"gains-{metric}", title, _told(title, marks), marks, signed=True)))
    for metric in DECIDING:
        rows = [
            row
            for row in evaluation.figures.get("arms", ())
            if (row["metric"], row["history"], row["slice"]) == (metric, STREAMING, ALL)
            and row["arm"] in (BASE, KNOWLEDGE)
        ]
        if len({row["backbone"] for row in rows}) > 1:
            marks = [_mark(row, f"{_backbone(row['backbone'])} {ARMS[row['arm']].label}", tone="plain") for row in rows]
            title = f"{NAMES[metric]} of each backbone"
            plots.append(Plot(title, intervals(f"across-{metric}", title, _told(title, marks), marks, signed=False)))
    return plots


def _section(evaluation: Evaluation, finding: Finding) -> Section:
    figures, backbone, name = evaluation.figures, finding.backbone, _backbone(finding.backbone)
    own = [row for row in figures["arms"] if row["backbone"] == backbone]
    gaps = [row for row in figures["differences"] if row["backbone"] == backbone]
    arms = {(arm, ARMS[arm].label): {"arm": arm, "slice": ALL} for arm in dict.fromkeys(row["arm"] for row in own)}
    pairs = {
        (f"{one} − {other}", ""): {"one": one, "other": other, "slice": ALL}
        for one, other in dict.fromkeys((row["one"], row["other"]) for row in gaps)
    }
    parts = {
        (part, "{samples:,} samples of {end_users:,} end users".format(**counts)): {
            "one": KNOWLEDGE,
            "other": BASE,
            "slice": part,
        }
        for part, counts in figures["slices"].items()
        if part != ALL
    }
    tables = [
        _table(f"{name}: differences between arms", "Arms", SHORT, pairs, gaps, signed=True),
        _table(f"{name}: what knowledge adds, for whom", "Slice", SHORT, parts, gaps, signed=True),
        _table(f"{name}: every arm", "Arm", SHORT, arms, own, signed=False),
    ]
    details = [
        _table(
            f"{name}: {what}, {history} history", "Arm", [(history, metric) for metric in NAMES], groups, rows, signed
        )
        for history in HISTORIES
        for what, groups, rows, signed in (("differences", pairs, gaps, True), ("every arm", arms, own, False))
    ]
    return Section(
        finding,
        [table for table in tables if table.rows],
        [table for table in details if table.rows],
        _plots(evaluation, backbone, gaps),
    )


def _table(
    caption: str,
    head: str,
    columns: Sequence[tuple[str, str]],
    groups: Mapping[tuple[str, str], Mapping[str, str]],
    rows: Sequence[Row],
    signed: bool,
) -> Table:
    """A row for each group (name, detail → what its figures have), a column for each (history, metric) that any has."""
    found = [
        (
            title,
            {
                (row["history"], row["metric"]): row
                for row in rows
                if all(row.get(field) == value for field, value in where.items())
            },
        )
        for title, where in groups.items()
    ]
    there = [column for column in columns if any(column in figures for _, figures in found)]
    alone = len({history for history, _ in columns}) == 1
    heads = [NAMES[metric] + ("" if alone or history == STREAMING else f", {history}") for history, metric in there]
    return Table(
        caption,
        head,
        heads,
        [
            TableRow(
                name,
                detail,
                [
                    _cell(figures[column], label, gain=signed) if column in figures else None
                    for column, label in zip(there, heads, strict=True)
                ],
            )
            for (name, detail), figures in found
            if figures
        ],
        signed,
    )


def _plots(evaluation: Evaluation, backbone: str, gaps: Sequence[Row]) -> list[Plot]:
    plots = []
    for metric in DECIDING:
        rows = [row for row in gaps if (row["metric"], row["history"], row["slice"]) == (metric, STREAMING, ALL)]
        if rows:
            marks = [_mark(row, f"{row['one']} − {row['other']}") for row in rows]
            title = f"Differences in {NAMES[metric]} between arms, {_backbone(backbone)}"
            plots.append(Plot(title, intervals(f"{backbone}-{metric}", title, _told(title, marks), marks, signed=True)))
    for metric in DECIDING:
        rows = [
            row
            for row in gaps
            if (row["one"], row["other"], row["history"], row["metric"]) == (KNOWLEDGE, BASE, STREAMING, metric)
        ]
        if len(rows) > 1:
            marks = [_mark(row, row["slice"]) for row in rows]
            title = f"{NAMES[metric]} gained by knowledge, for whom, {_backbone(backbone)}"
            key = f"{backbone}-slices-{metric}"
            plots.append(Plot(title, intervals(key, title, _told(title, marks), marks, signed=True)))
    lines = _curves(evaluation, backbone)
    if lines:
        title = f"AUC of the valid part by epoch, {_backbone(backbone)}"
        ends = ", ".join(f"{line.label} {max(line.values):.4f}" for line in lines)
        told = f"{title}: the mean over seeds. The best of each: {ends}."
        plots.append(Plot(title, curves(f"{backbone}-epochs", title, told, lines)))
    return plots


def _curves(evaluation: Evaluation, backbone: str) -> list[Line]:
    """Each arm's valid AUC by epoch, the mean over the seeds that got that far while all did; none of one epoch."""
    by_arm: dict[str, list[list[float]]] = {}
    for fit in evaluation.fits.filter(backbone=backbone).order_by("pk"):
        values = [epoch["valid"]["auc"] for epoch in fit.epochs]
        if values and None not in values:
            by_arm.setdefault(fit.arm, []).append(values)
    if not any(len(values) > 1 for runs in by_arm.values() for values in runs):
        return []
    lines = []
    for arm in (arm for arm in ARMS if arm in by_arm):
        shortest = min(len(values) for values in by_arm[arm])
        each = zip(*(values[:shortest] for values in by_arm[arm]), strict=True)
        lines.append(Line(arm, [sum(values) / len(values) for values in each]))
    return lines


def _cell(row: Row, label: str, *, gain: bool) -> Cell:
    return Cell(label, row["estimate"], row["low"], row["high"], _tone(row) if gain else "")


def _mark(row: Row, label: str, *, tone: str = "") -> Mark:
    return Mark(label, row["estimate"], row["low"], row["high"], tone or _tone(row) or "plain")


def _tone(row: Row) -> str:
    if row["low"] <= 0 <= row["high"]:
        return ""
    return "good" if (row["low"] > 0) != (row["metric"] in LESS_IS_BETTER) else "bad"


def _told(title: str, marks: Sequence[Mark]) -> str:
    each = "; ".join(f"{mark.label}: {mark.estimate:.4f}, {mark.low:.4f} to {mark.high:.4f}" for mark in marks)
    return f"{title}, with 95 % intervals. {each}."


def _backbone(name: str) -> str:
    return label_of(BACKBONES, name)
