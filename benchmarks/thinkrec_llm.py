"""ThinkRec's LLM on its own ML-1M rows: tuned for some minutes, scored on the valid part, beside a backbone.

    OMP_NUM_THREADS=2 nice -n 10 python -m benchmarks.thinkrec_llm --folder FOLDER [--train-minutes 60] [--threads 2]
        [--against var/thinkrec_rows/din-….npz …] [--without PART …] [--rows N] [--yes] [--test]

Rows, parts and measures are those of `benchmarks.thinkrec_rows`, whose kept predictions --against names: several files,
such as of several seeds, are one ranker by their mean logit. The epoch, and all else, is chosen without the test part,
which only --test reads. The model learns the first stage (global adapter, labels alone, text alone) on rows of the
train part in one pass, on as many as the minutes allow at the pace of the first steps, on all of them where they fit;
--train-minutes 0 scores the base. Prompts of a person grow with their history (--grows), so that what they share is
read once. --without leaves something of the prompts out, and then 2,000 rows at most are scored, by the same model:
`keywords` are the genres, `dislikes` those of the history, `history` is all of it. (Of ThinkRec's own ablations
thinking and experts are not in this model: tune_thinkrec and evaluate_thinkrec have them.)

All that is computed is kept in the folder, and a run that was stopped goes on there: the tuning at its checkpoint, the
scoring after the last block. Intervals: 95 %, over end users; one seed. The last line is JSON.
"""

import argparse
import csv
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.item_texts import DATA
from benchmarks.knowledge_gain import ROOT
from benchmarks.thinkrec_rows import PUBLISHED, Rows, averaged
from recommender.dataset.split import TRAIN, Parts
from recommender.thinkrec.blocks import Block, blocks
from recommender.thinkrec.evaluation.figures import BACKBONE, LLM, figures
from recommender.thinkrec.evaluation.report import COLUMNS, SLICES
from recommender.thinkrec.evaluation.rows import about, chosen, warm_and_cold
from recommender.thinkrec.prompts import Described, Person, asked
from recommender.thinkrec.scoring.scorer import LocalScorer, load
from recommender.thinkrec.tuning.config import ADAPTER, TARGETS, ThinkrecConfig
from recommender.thinkrec.tuning.rows import Prompts, build, together
from recommender.thinkrec.tuning.stages import MOST_TOGETHER, Data, tune

MEASURED = 8  # steps of the run that measures the pace
PARTS = ("keywords", "dislikes", "history")
MOST_WITHOUT = 2_000  # rows of an ablation
LISTS, CANDIDATES = 5, 20  # that are timed


def items_of(data: Path, *, keywords: bool) -> dict[str, Described]:
    """The films by their ids, with their genres as keywords."""
    with (data / "thinkrec-ml-1m/items.csv").open(encoding="utf-8") as file:
        return {
            row["item_id"]: Described(row["title"], tuple(row["genres"].split("|")) if keywords else ())
            for row in csv.DictReader(file)
        }


def adapter(data: Data, folder: Path, config: ThinkrecConfig, *, minutes: float) -> Path:
    """The folder of the global adapter; the steps are settled once, by the pace of the first ones."""
    plan = folder / "plan.json"
    if not plan.is_file():
        with tempfile.TemporaryDirectory(dir=folder) as first:
            _, pace = tuned(data, Path(first), config.but(steps=MEASURED))
        units = together(data.rows.train, most=MOST_TOGETHER if config.grows else 1)
        whole = -(-len(units) // config.batch_size)
        steps = max(MEASURED, min(whole, int(minutes * 60 / pace)))
        plan.write_text(json.dumps({"steps": steps, "seconds_a_step": round(pace, 3)}))
    steps = json.loads(plan.read_text())["steps"]
    metrics, pace = tuned(data, folder / "tuned", config.but(steps=steps))
    one = metrics["global"]
    told = f"{one['tokens'] / one['seconds']:,.0f} tokens/s, loss {one['epochs'][-1]['loss']:.3f}"
    print(f"tuned in {steps:,} steps and {one['seconds'] / 60:.1f} min, {told}")
    return folder / "tuned" / ADAPTER


def tuned(data: Data, folder: Path, config: ThinkrecConfig) -> tuple[dict[str, Any], float]:
    """The metrics, and the seconds of a step in this process."""
    began: list[float] = []

    def observer(told: dict[str, Any]) -> None:
        if "step" in told:
            began.append(time.monotonic())
            left = f"{told['seconds_left'] / 60:.0f} min left"
            print(f"\rstep {told['step']} of {told['of']}: loss {told['loss']:.4f}, {left}   ", end="", file=sys.stderr)

    metrics = tune(data, folder, config=config, observer=observer)
    return metrics, (began[-1] - began[0]) / max(1, len(began) - 1) if began else 0.0


class Scores:
    """Scores of rows, kept in a file of JSON lines, a line a block."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.is_file() else []
        self.lines = [found for line in lines if (found := _read(line))]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in self.lines))  # without one that was cut off

    def fill(self, wanted: list[Block], prompts: Any, scorer: Any) -> None:
        """Score the blocks that no line has. `scorer`: makes one, where there is anything to score."""
        done = {row for line in self.lines for row in line["rows"]}
        waiting = [block for block in wanted if not done.issuperset(block.rows)]
        if not waiting:
            return
        of, left, began, loaded = sum(len(block.rows) for block in wanted), 0, 0.0, scorer()
        began = time.monotonic()
        for block in waiting:
            started, cpu = time.monotonic(), time.process_time()
            scored = loaded.score(prompts(block))
            seconds, cpu = time.monotonic() - started, time.process_time() - cpu
            line = {"rows": block.rows, "yes": scored.yes.tolist(), "log_odds": scored.log_odds.tolist()}
            line |= {"read": scored.cost.read, "whole": scored.cost.row_by_row, "seconds": seconds, "cpu": cpu}
            self.lines.append(line)
            with self.path.open("a") as file:
                file.write(f"{json.dumps(line)}\n")
            left += len(block.rows)
            pace = (time.monotonic() - began) / left
            told = (
                f"{len(done) + left} of {of} rows, {1 / pace:.2f} a second, {(of - len(done) - left) * pace / 60:.0f}"
            )
            print(f"\r{told} min left   ", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    def column(self, name: str, rows: np.ndarray) -> np.ndarray:
        known = {row: value for line in self.lines for row, value in zip(line["rows"], line[name], strict=True)}
        return np.array([known[row] for row in rows.tolist()])

    def summed(self, name: str) -> float:
        return float(sum(line[name] for line in self.lines))


def _read(line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError:
        return {}


class Shown:
    """Prompts of blocks, with what is left out left out."""

    def __init__(self, rows: Rows, data: Path, without: list[str]) -> None:
        items = items_of(data, keywords="keywords" not in without)
        self.interactions, self.without = rows.interactions, without
        self.items = [items[name] for name in rows.interactions.items]

    def person(self, block: Block, place: int) -> Person:
        person = about(block, place, self.interactions, self.items.__getitem__, person=Person("movie", ()))
        kept = [past for past in person.history if past.liked or "dislikes" not in self.without]
        return replace(person, history=() if "history" in self.without else tuple(kept))

    def __call__(self, block: Block) -> list[Any]:
        return [prompt for place in range(len(block.rows)) for prompt in self._asked(block, place)]

    def _asked(self, block: Block, place: int) -> Iterator[Any]:
        person = self.person(block, place)
        target = self.items[self.interactions.item[block.rows[place]]]
        yield from asked(person, [target], shown=len(person.history))


def a_list(scorer: LocalScorer, shown: Shown, wanted: list[Block]) -> dict[str, float]:
    """What a list of CANDIDATES films costs, on average over LISTS people: calls, tokens, seconds."""
    drawn = np.random.default_rng(0)
    people = drawn.choice(len(wanted), size=min(LISTS, len(wanted)), replace=False)
    calls, read, began = 0, 0, time.monotonic()
    for number in people.tolist():
        person = shown.person(wanted[number], 0)
        films = drawn.choice(len(shown.items), size=CANDIDATES, replace=False)
        cost = scorer.score(asked(person, [shown.items[film] for film in films.tolist()])).cost
        calls, read = calls + cost.calls, read + cost.read
    seconds = time.monotonic() - began
    return {"calls": calls / len(people), "tokens": read / len(people), "seconds": round(seconds / len(people), 3)}


def backbone_of(files: list[Path], part: str) -> np.ndarray:
    """Probabilities (n) of the part's rows."""
    probabilities = []
    for path in files:
        with np.load(path) as kept:
            probabilities.append(kept[part])
    (one,) = averaged(probabilities, len(probabilities))
    return one


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "var/thinkrec_llm", help="where all is kept")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--base", default="smollm2")
    parser.add_argument("--train-minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rate", type=float, default=1e-4, help="the peak of the learning rate")
    parser.add_argument("--yes", action="store_true", help="tune and score the logit of Yes alone, as published")
    parser.add_argument("--grows", type=int, default=10)
    parser.add_argument("--rows", type=int, default=0, help="score about so many; 0: all")
    parser.add_argument("--without", action="append", choices=PARTS, default=[])
    parser.add_argument("--against", type=Path, nargs="+", default=[], metavar="FILE")
    parser.add_argument("--targets", default="all-linear", choices=TARGETS)
    parser.add_argument("--half-precision", action="store_true", help="as a GPU computes: quick where there is AMX")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--test", action="store_true", help="read the test part")
    return parser.parse_args()


def main() -> None:
    options = parsed()
    rows, part = Rows(options.data), "test" if options.test else "valid"
    told = [options.base, options.train_minutes, options.batch, options.rate, options.yes, options.seed]
    told += [options.grows, options.targets, options.half_precision]
    model = options.folder / hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]
    model.mkdir(parents=True, exist_ok=True)
    (model / "told.json").write_text(json.dumps(told))
    config = ThinkrecConfig(
        base=options.base,
        epochs=1,
        steps=MEASURED,
        valid_rows=1,
        batch_size=options.batch,
        learning_rate=options.rate,
        contrast=not options.yes,
        checkpoint=50,
        seed=options.seed,
        threads=options.threads,
        grows=options.grows,
        targets=options.targets,
        half_precision=options.half_precision,
    )
    tuned_to = None
    if options.train_minutes:
        learnt = build(rows.interactions, rows.codes, tags=(), grows=options.grows)
        data = Data(learnt, Prompts(items_of(options.data, keywords=True), "movie"))
        tuned_to = adapter(data, model, config, minutes=options.train_minutes)
    everything = getattr(Parts.of(rows.codes), part)
    most = min(options.rows or MOST_WITHOUT, MOST_WITHOUT) if options.without else options.rows
    some = chosen(rows.interactions, everything, most=most, seed=options.seed)
    wanted = list(blocks(rows.interactions, some, grows=options.grows))
    shown = Shown(rows, options.data, options.without)
    name = "-".join([part, str(options.grows), *sorted(options.without)])
    scores = Scores(model / f"{name}.jsonl")
    scorers: list[LocalScorer] = []

    def scorer() -> LocalScorer:
        scorers.extend(
            []
            if scorers
            else [load(options.base, str(tuned_to or ""), threads=options.threads, bfloat16=options.half_precision)]
        )
        return scorers[0]

    scores.fill(wanted, shown, scorer)
    columns = {LLM: scores.column("yes" if options.yes else "log_odds", some)}
    if options.against:
        place = np.searchsorted(everything, some)
        columns[BACKBONE] = backbone_of(options.against, part)[place]
    label, end_user = rows.interactions.liked[some], rows.interactions.end_user[some]
    found = figures(label, end_user, columns, warm_and_cold(rows.interactions, some, trained=rows.codes == TRAIN))
    show(found, test=options.test)
    seconds, cpu, read, whole = (scores.summed(key) for key in ("seconds", "cpu", "read", "whole"))
    scored = sum(len(line["rows"]) for line in scores.lines)
    cost: dict[str, Any] = {"rows_a_second": scored / seconds, "rows_a_cpu_second": scored / cpu}
    cost |= {"tokens_a_row": read / scored, "whole": whole / scored}
    cost |= {"list": a_list(scorer(), shown, wanted), "parameters": scorer().parameters, "load": os.getloadavg()[0]}
    print(
        f"{cost['rows_a_second']:.2f} rows a second ({cost['rows_a_cpu_second']:.2f} of processor time), "
        f"{cost['tokens_a_row']:.0f} tokens a row ({cost['whole']:.0f} with "
        f"whole prompts); a list of {CANDIDATES}: {cost['list']}; parameters, and the adapter's: {cost['parameters']}"
    )
    print(
        json.dumps({"part": part, "told": told, "without": options.without, "rows": len(some), **found, "cost": cost})
    )


def show(found: dict[str, Any], *, test: bool) -> None:
    """The tables, the published rows first where it is the test part."""
    print(f"{'':34}" + "".join(f"{name.split()[-1]:>18}" for name in COLUMNS.values()))
    for name, published in PUBLISHED.items() if test else ():
        print(f"{name + ' (published)':34}" + "".join(f"{figure:18.4f}" for figure in published))
    for part in SLICES:
        for kind, rows in (("", found["figures"]), (" gain", found["differences"])):
            for ranker in dict.fromkeys(row["ranker"] for row in rows if row["slice"] == part):
                own = {row["metric"]: row for row in rows if (row["slice"], row["ranker"]) == (part, ranker)}
                label = f"{part}: LLM less {ranker}" if kind else f"{part}: {ranker}"
                print(f"{label:34}" + "".join(f"{_cell(own.get(name), '{:.4f}'):>18}" for name in COLUMNS))
                ranges = (
                    f"[{one['low']:.3f}, {one['high']:.3f}]" if (one := own.get(name)) else "" for name in COLUMNS
                )
                print(" " * 34 + "".join(f"{cell:>18}" for cell in ranges))


def _cell(one: dict[str, float] | None, form: str) -> str:
    return form.format(one["estimate"]) if one else "–"


if __name__ == "__main__":
    main()
