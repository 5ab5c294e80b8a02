"""What the page of evaluations shows of an LLM that orders lists: each of its evaluations, and the tables behind it."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from recommender.accounts.visible import within
from recommender.llm.labels import Label
from recommender.models import Account, Catalog, RunState, ScoringRun
from recommender.runs.kinds import Stage, stage_of
from recommender.runs.service import UNFINISHED
from recommender.thinkrec.evaluation import report
from recommender.thinkrec.scoring.lists import label_of
from reviews.pages.evaluations.queries import Cell, Table, TableRow

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """One evaluation. `tables` and `sentences`: none before it is done."""

    run: ScoringRun
    stage: Stage
    headline: str
    tables: list[Table]
    sentences: list[str]

    @property
    def label(self) -> Label | None:
        return label_of(self.run)

    @property
    def is_under_way(self) -> bool:
        return self.run.state in UNFINISHED


def evaluations(account: Account, catalog: Catalog | None) -> list[Shown]:
    """The account's latest, newest first."""
    rows: QuerySet[ScoringRun] = within(ScoringRun.objects.select_related("catalog").order_by("-pk"), account)
    rows = rows.filter(config__has_key="part")
    return [_shown(run) for run in (rows.filter(catalog=catalog) if catalog else rows)[:SHOWN]]


def _shown(run: ScoringRun) -> Shown:
    if run.state != RunState.DONE:
        return Shown(run, stage_of(run), run.error, [], [])
    tables = [_table(table) for table in report.tables(run.metrics)]
    return Shown(run, stage_of(run), _headline(run), tables, list(report.sentences(run.metrics)))


def _headline(run: ScoringRun) -> str:
    """Whether it orders each user's judged items better than the active model."""
    known = {
        row["metric"]: row
        for row in run.metrics["differences"]
        if row["slice"] == "all" and row["metric"] == "thinkrec_uauc"
    }
    model, gained = run.metrics["model"], known.get("thinkrec_uauc")
    if not run.metrics["backbone"]:
        return f"{model} was measured alone: {' '.join(run.metrics['notes'][-1:])}"
    if gained is None:
        return (
            f"Which of {model} and the model in use orders better cannot be told: no user has both likes and dislikes."
        )
    if gained["low"] > 0:
        return f"{model} orders what each user judged better than the model in use."
    if gained["high"] < 0:
        return f"The model in use orders what each user judged better than {model}."
    return f"Which of {model} and the model in use orders better cannot be told from so few opinions."


def _table(table: report.Table) -> Table:
    columns = list(report.COLUMNS.values())
    rows = [
        TableRow(row.name, "", [_cell(one, label, row) for one, label in zip(row.figures, columns, strict=True)])
        for row in table.rows
    ]
    return Table(table.title, "Ordered by", columns, rows, signed=False)


def _cell(figure: Mapping[str, float] | None, label: str, row: report.Row) -> Cell | None:
    if figure is None:
        return None
    low, high = figure["low"], figure["high"]
    tone = "" if not row.signed or low <= 0 <= high else "good" if low > 0 else "bad"
    return Cell(label, figure["estimate"], low, high, tone)
