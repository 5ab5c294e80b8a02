"""What an evaluation of ThinkRec found, as tables and sentences for a terminal and a page. Figures in, words out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recommender.models import ScoringRun
from recommender.thinkrec.evaluation.figures import BACKBONE, LLM

COLUMNS = {
    "auc": "AUC",
    "thinkrec_uauc": "UAUC",
    "thinkrec_ndcg@5": "ThinkRec's NDCG@5",
    "thinkrec_map@5": "ThinkRec's MAP@5",
    "gauc": "GAUC",
    "ndcg@5": "NDCG@5",
    "map@5": "MAP@5",
}
RANKERS = {LLM: "LLM", BACKBONE: "Active model"}
SLICES = {
    "all": "all opinions",
    "warm": "warm: user and item are in the train part",
    "cold": "cold: user or item is not",
    "cold end users": "users that are not in the train part",
    "cold items": "items that are not in the train part",
}
MEASURES = {
    "meteor": "METEOR",
    "rouge_l": "ROUGE-L",
    "similarity": "MiniLM cosine",
    "right": "right Yes or No",
}
WIDTH = 18  # an interval of a difference has 16 characters
FEW = 20  # users: an interval over fewer says little


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a ranker or a difference, and what its figures are, None where undefined, by COLUMNS."""

    name: str
    figures: Sequence[Mapping[str, float] | None]
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of one slice."""

    title: str
    rows: list[Row]


def tables(metrics: Mapping[str, Any]) -> list[Table]:
    """One for each slice that has opinions: ratings, likes, dislikes."""
    found = []
    for name, words in SLICES.items():
        counts = metrics["slices"][name]
        rows = [Row(label, of) for ranker, label in RANKERS.items() if any(of := _of(metrics["figures"], name, ranker))]
        if any(gained := _of(metrics["differences"], name, BACKBONE)):
            rows.append(Row("LLM less active model", gained, signed=True))
        if rows:
            whose = f"{_many(counts['samples'], 'opinion')} by {_many(counts['end_users'], 'user')}"
            found.append(Table(f"{words[0].upper()}{words[1:]} ({whose})", rows))
    return found


def sentences(metrics: Mapping[str, Any]) -> Iterator[str]:
    """What else is to be said: explanations, cost, and what the figures do not hold."""
    explained, cost = metrics["explanations"], metrics["cost"]
    if explained["texts"]:
        near = ", ".join(
            f"{words} {one['estimate']:.4f} [{one['low']:.4f}, {one['high']:.4f}]"
            for name, words in MEASURES.items()
            if (one := explained["measures"][name])
        )
        yield (
            f"{_many(explained['texts'], 'explanation')} against approved traces set apart for tests: {near}. "
            f"Beginning with Yes or No: {explained['answered']}; about a like: {explained['liked']}."
        )
    else:
        yield "No explanation was compared: no approved trace is set apart for tests (open_rounds --held-out)."
    if explained["learnt"]:
        yield f"Left out: {_many(explained['learnt'], 'trace')} set apart after this model was tuned."
    if cost["parameters"]:
        share = cost["added_parameters"] / (cost["parameters"] or 1)
        yield f"{_many(cost['parameters'], 'parameter')}; the adapter added {cost['added_parameters']:,} ({share:.2%})."
    a_list, ratings = cost["list"], cost["ratings"]
    yield (
        f"A list of {a_list['items']} items takes {a_list['calls']:g} calls, {a_list['read']:,g} tokens and "
        f"{a_list['seconds']:.2f} s beside the active model's own time."
    )
    yield (
        f"All opinions took {ratings['calls']:,} calls, {ratings['read']:,} tokens ({ratings['row_by_row']:,} had "
        f"every prompt been read whole) and {ratings['seconds']:,.0f} s."
    )
    users = metrics["slices"]["all"]["end_users"]
    if users < FEW:
        says = "little" if users > 1 else "nothing"
        yield f"Over {_many(users, 'user')} an interval says {says}: score more opinions."
    left = metrics["rows"]
    if left["unanswered"]:
        yield f"Left out: {_many(left['unanswered'], 'opinion')} about which the model said neither Yes nor No."
    if left["left_out"]:
        yield f"Left out: {_many(left['left_out'], 'opinion')} of items whose text was made from later opinions."
    yield from metrics["notes"]


def told(run: ScoringRun) -> list[str]:
    """The lines of a terminal."""
    metrics, part = run.metrics, run.config["part"]
    named = f", {metrics['tuned']}" if metrics["tuned"] else ""
    lines = [f"{metrics['model']}{named} on the {part} part of {run.catalog} (split {run.config['split']})."]
    for table in tables(metrics):
        lines += [
            "",
            f"{table.title}",
            f"{'':24}" + "".join(f"{name.split()[-1]:>{WIDTH}}" for name in COLUMNS.values()),
        ]
        for row in table.rows:
            lines.append(f"{row.name:24}" + "".join(f"{_figure(one, row.signed):>{WIDTH}}" for one in row.figures))
            lines.append(f"{'':24}" + "".join(f"{_interval(one):>{WIDTH}}" for one in row.figures))
    heads = "The first NDCG@5 and MAP@5 are as ThinkRec defines them; [low, high]: 95 % over users."
    return [*lines, "", heads, *sentences(metrics)]


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _of(rows: Sequence[Mapping[str, Any]], name: str, ranker: str) -> list[Mapping[str, float] | None]:
    known = {row["metric"]: row for row in rows if (row["slice"], row["ranker"]) == (name, ranker)}
    return [known.get(metric) for metric in COLUMNS]


def _figure(one: Mapping[str, float] | None, signed: bool) -> str:
    return "–" if one is None else f"{one['estimate']:{'+' if signed else ''}.4f}"


def _interval(one: Mapping[str, float] | None) -> str:
    return "" if one is None else f"[{one['low']:.3f}, {one['high']:.3f}]"
