"""What an LLM's score adds to the backbone's, what R4ec's text adds to the LLM's, and whether a control does as well.

    OMP_NUM_THREADS=1 nice -n 10 python -m benchmarks.thinkrec_signal [--on sample|rows] [--people 48]
        [--scores FILE [--ranker "finalmlp knowledge=…"]] [--texts]

--on sample: the sample catalog (--catalog people of it), KAR's split, planted tastes told in prose as R4ec's texts:
each person's own, another person's, none. --on rows: ThinkRec's rows of ML-1M, no text; with --texts also those that
R4ec's loop comes to with the demonstration models (its prompts and parsing, nobody's approval) about the last 30
ratings of each person before the first one that is asked about. The LLM (--base, --adapter) is asked in this process
about the first --each ratings of the valid part of --people people, as lists are scored; every person's answers are
kept in --cache, so a run that was interrupted goes on. --scores reads instead what `benchmarks.thinkrec_llm` kept of a
model, tuned or not: FOLDER/MODEL/valid-….jsonl.

The valid part alone is read. `alone`: the LLM's score as it is. `with`: the backbone (DIN without texts; on rows
--ranker as `benchmarks.thinkrec_rows` writes it, kept fits of which --cache may hold), mean logit of --seeds,
calibrated as a training does it, moved by a weight that was learnt on four fifths of the people and used on the rest;
`p` and the weight are signals.llm_scores' own on all. Controls: what the LLM said of the same item to others, of the
item before to the same person, and of anything to anybody; of --scores also how much the person likes (its share among
all and among the last ten before), and what is left of the score without that. Intervals: 95 %, over people, paired
with the first row of each table. The last line is JSON.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import demonstration, statement_signal, thinkrec_rows, told_tastes
from benchmarks.item_texts import DATA
from benchmarks.knowledge_gain import ROOT
from recommender.catalogs.sample import truth
from recommender.dataset.interactions import Interactions
from recommender.dataset.split import VALID, Parts, split
from recommender.dataset.texts import KnowledgeRows
from recommender.measures import bootstrap
from recommender.recipe import TrainConfig
from recommender.rounds.core.types import Encounter, Subject
from recommender.runs.observer import WITHOUT, Quiet
from recommender.signals import llm_scores
from recommender.signals.folds import FOLDS, fold_of
from recommender.signals.llm_scores import Answered, Scores
from recommender.signals.stated import fit_weights
from recommender.thinkrec.prompts import LONGEST_HISTORY, Described, Past, Person, asked, described
from recommender.thinkrec.scoring.held_out import HeldOut, held_out
from recommender.training.calibration import fit as calibration
from recommender.training.calibration import logit
from recommender.training.fit import fit_arm
from recommender.training.inputs import make_inputs
from recommender.training.loop import predict
from recommender.training.prepare import Prepared

SHOWN = (*thinkrec_rows.FIRST, "logloss")
NONE, OWN, OTHERS = "no text", "their own text", "another person's text"
MOST_EVIDENCE = 30  # as in a round (recommender.rounds.evidence)


class Rated:
    """Interactions with their parts, items as prompts show them, and a text of each end user, where there are some."""

    def __init__(self, data: Interactions, codes: np.ndarray, items: list[Described], texts: list[str]) -> None:
        self.data, self.codes, self.items, self.texts = data, codes, items, texts

    def rows(self) -> np.ndarray:
        return Parts.of(self.codes).valid

    def text(self, kind: str, end_user: int) -> str:
        if kind == NONE:
            return ""
        told = np.flatnonzero([bool(text) for text in self.texts])
        circle = told[np.random.default_rng(5).permutation(len(told))]
        place = int(np.flatnonzero(circle == end_user)[0])
        return self.texts[end_user if kind == OWN else int(circle[(place + 1) % len(circle)])]

    def told_by_the_loop(self, people: list[HeldOut]) -> None:
        """Texts of these people, from what each is known to have liked or not before; others have none."""
        self.texts = [""] * len(self.data.end_users)
        for one in people:
            known = [(self.items[item], liked) for item, liked in one.history if liked is not None][-MOST_EVIDENCE:]
            shown = tuple(Encounter(item.title, None, liked, {"genres": list(item.keywords)}) for item, liked in known)
            subject = Subject("end_user", "movie", self.data.scale.rating_max, self.data.scale.like_threshold, shown)
            _, turns = demonstration.play(subject, refinements=2)
            self.texts[one.end_user] = [turn.text for turn in turns if turn.kind != "reflect"][-1]


def sample(people: int) -> Rated:
    data, _, tastes = statement_signal.catalog(people)
    told = [{"genres": list(f.genres), "director": f.director, "country": f.country} for f in truth.films()]
    items = [described(film.title, about) for film, about in zip(truth.films(), told, strict=True)]
    texts = [told_tastes.told(tastes[name], sorted(told_tastes.STYLES)[0]) for name in data.end_users]
    return Rated(data, split("kar", data.end_user, data.liked), items, texts)


def of_rows(rows: thinkrec_rows.Rows) -> Rated:
    known = [said.split(". Genres: ") for said in rows.metadata]
    items = [described(title, {"genres": genres.rstrip(".").split(", ")}) for title, genres in known]
    return Rated(rows.interactions, rows.codes, items, [])


def asked_about(rated: Rated, options: argparse.Namespace) -> list[HeldOut]:
    return held_out(rated.data, rated.codes, VALID, most=len(rated.data), each=options.each, seed=0)[: options.people]


def scored(rated: Rated, kind: str, options: argparse.Namespace, scorer: Callable[[], object]) -> Scores:
    """The answers about every drawn person's valid ratings, kept person by person."""
    name = "-".join([options.on, Path(options.base).name, Path(options.adapter).parent.name, kind]).replace(" ", "-")
    path = options.cache / f"{name}-{options.catalog}-{options.each}.jsonl"
    kept = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    done, began = {one["end_user"] for one in kept}, time.process_time()
    part = asked_about(rated, options)
    with path.open("a") as file:
        for one in part:
            if one.end_user not in done:
                kept.append(answers(rated, kind, one, scorer()))
                file.write(json.dumps(kept[-1]) + "\n")
                file.flush()
    if spent := time.process_time() - began:
        print(f"    {kind}: {len(kept) - len(done)} people asked about in {spent:.0f} s of the processor", flush=True)
    drawn = {one.end_user for one in part}
    said = [
        (one["end_user"], item, one["as_of"], score)
        for one in kept
        if one["end_user"] in drawn
        for item, score in zip(one["items"], one["scores"], strict=True)
    ]
    end_user, item, as_of, score = (np.array(column) for column in zip(*said, strict=True))
    return Scores(kind, options.base, kind != NONE, end_user, item, as_of, score.astype(np.float64))


def answers(rated: Rated, kind: str, one: HeldOut, scorer: Any) -> dict[str, object]:
    past = tuple(Past(rated.items[item], liked) for item, liked in one.history if liked is not None)
    person = Person("movie", past, preference=rated.text(kind, one.end_user))
    found = scorer.score(asked(person, [rated.items[item] for item in one.items]))
    scores = [round(float(score), 5) for score in found.log_odds]
    return {"end_user": one.end_user, "as_of": one.as_of, "items": one.items.tolist(), "scores": scores}


def from_file(path: Path, data: Interactions) -> Scores:
    """What `benchmarks.thinkrec_llm` keeps: a line a block, with its `rows` and their `log_odds`."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    row = np.array([one for line in lines for one in line["rows"]], dtype=np.int64)
    score = np.array([one for line in lines for one in line["log_odds"]], dtype=np.float64)
    row, score = row[~np.isnan(score)], score[~np.isnan(score)]
    return Scores(path.stem, path.stem, False, data.end_user[row], data.item[row], data.moment[row], score)


def to_others(rows: Answered) -> np.ndarray:
    """In place of each score the mean of what was said of the same item to other people; NaN where nobody was asked."""
    item = np.unique(rows.item, return_inverse=True)[1]
    count, total = np.bincount(item)[item] - 1, np.bincount(item, rows.score)[item] - rows.score
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def of_the_one_before(rows: Answered) -> np.ndarray:
    """In place of each score the person's last one before it; NaN for the first.

    Not one after it: where histories grow, that one's prompt says whether this item was liked.
    """
    first = np.r_[True, rows.end_user[1:] != rows.end_user[:-1]]
    return np.where(first, np.nan, np.roll(rows.score, 1))


def dealt(rows: Answered) -> np.ndarray:
    """The scores, dealt among all rows."""
    return np.random.default_rng(5).permutation(rows.score)


def levels(data: Interactions, rows: np.ndarray) -> np.ndarray:
    """How much a person likes, strictly before each row (n, 2): the share of likes among all and the last ten.

    Two ratings at the common share stand for a history that is not there yet.
    """
    made, common = np.empty((len(rows), 2)), float((data.liked[data.liked >= 0] > 0).mean())
    for place, row in enumerate(rows.tolist()):
        first = np.searchsorted(data.end_user, data.end_user[row], "left")
        last = first + np.searchsorted(data.moment[first:row], data.moment[row], "left")
        known = data.liked[first:last]
        known = known[known >= 0]
        for column, some in enumerate((known, known[-LONGEST_HISTORY:])):
            made[place, column] = (some.sum() + 2 * common) / (len(some) + 2)
    return made


def by_level(score: np.ndarray, level: np.ndarray) -> np.ndarray:
    """What a linear regression on the levels (n, 2) says of the scores (n)."""
    known = np.column_stack([np.ones(len(level)), level])
    return known @ np.linalg.lstsq(known, score, rcond=None)[0]


def out_of_fold(rows: Answered, names: list[str]) -> np.ndarray:
    """The logits after a weight that other people's ratings ask for, taken whether or not it beats chance."""
    folds = np.array([fold_of(name) for name in names])[rows.end_user]
    z = (rows.score - rows.score.mean()) / (rows.score.std() or 1.0)
    made = rows.logit.copy()
    for fold in range(FOLDS):
        own, rest = folds == fold, folds != fold
        made[own] += z[own] * fit_weights(z[rest, None], rows.logit[rest], rows.liked[rest])[0]
    return made


def table(title: str, rows: Answered, columns: dict[str, np.ndarray], notes: dict[str, dict]) -> dict[str, dict]:
    """Measures of each column of scores on the same rows; differences are from the first, paired."""
    print(f"{title}: {len(rows.liked)} ratings of {len(np.unique(rows.end_user))} people")
    drawn, report = {}, {}
    for name, score in columns.items():
        probability = 1 / (1 + np.exp(-score))
        found = thinkrec_rows.measured(rows.liked, probability, rows.end_user)
        drawn[name] = {measure: [bootstrap.draw(found[measure])] for measure in SHOWN}
        first = next(iter(drawn.values()))
        report[name] = {"is": {measure: bootstrap.of_draws(drawn[name][measure]).to_json() for measure in SHOWN}}
        report[name]["more"] = {
            measure: bootstrap.of_draws(drawn[name][measure], against=first[measure]).to_json() for measure in SHOWN
        }
        report[name] |= notes.get(name, {})
        told = [
            f"{measure} {report[name]['is'][measure]['estimate']:.4f} ({one['estimate']:+.4f} [{one['low']:+.4f}, "
            f"{one['high']:+.4f}])"
            for measure, one in report[name]["more"].items()
        ]
        print(f"  {name:34}" + ", ".join(told) + f"  {notes.get(name, '')}", flush=True)
    return report


def learnt(scores: Scores, rows: Answered, names: list[str]) -> dict[str, float]:
    found = llm_scores.learn(scores, rows, names).to_json()
    return {name: found[name] for name in ("p", "weight", "gain", "ratings")}


def replaced(rows: Answered, score: np.ndarray) -> Answered:
    """The rows that have such a score, with it."""
    there = ~np.isnan(score)
    return Answered(rows.end_user[there], rows.item[there], score[there], rows.logit[there], rows.liked[there])


def compare(
    rated: Rated, base: np.ndarray, each: dict[str, Scores], level: np.ndarray | None = None
) -> dict[str, object]:
    """`base` (valid rows): the backbone's logits; `each`: scores by the text that was shown; `level` (rows, 2)."""
    data, valid, names = rated.data, rated.rows(), rated.data.end_users
    made = calibration("platt", base, data.liked[valid])
    base = made.slope * base + made.intercept
    said = {kind: scores.of(data, valid) for kind, scores in each.items()}
    there = ~np.isnan(np.stack(list(said.values()))).any(axis=0)
    rows = valid[there]

    def answered(score: np.ndarray) -> Answered:
        liked = (data.liked[rows] > 0).astype(np.float64)
        return Answered(data.end_user[rows], data.item[rows], score, base[there], liked)

    asked_of = {kind: answered(score[there]) for kind, score in said.items()}
    first, found = next(iter(asked_of.values())), {}
    found["alone"] = table("alone", first, {kind: one.score for kind, one in asked_of.items()}, {})
    columns = {"backbone": first.logit} | {f"with {kind}": out_of_fold(one, names) for kind, one in asked_of.items()}
    notes = {f"with {kind}": learnt(each[kind], one, names) for kind, one in asked_of.items()}
    found["with"] = table("with the backbone", first, columns, notes)
    for kind, one in asked_of.items():
        instead = {
            "said to others of the item": to_others(one),
            "said of the item before": of_the_one_before(one),
            "dealt anew": dealt(one),
        }
        if level is not None:
            instead["how much they like"] = of_level = by_level(one.score, level[there])
            instead["the score without that"] = one.score - of_level
        for name, score in instead.items():
            if found_of := controlled(f"{kind}, {name}", each[kind], one, score, names):
                found[f"{kind}, {name}"] = found_of
    return found


def controlled(title: str, scores: Scores, rows: Answered, score: np.ndarray, names: list[str]) -> dict[str, dict]:
    """The backbone, what the scores add, and what `score` (n, NaN where there is none) adds in their place."""
    instead, own = replaced(rows, score), replaced(rows, np.where(np.isnan(score), np.nan, rows.score))
    if len(np.unique(instead.end_user)) < 2:
        return {}
    columns = {"backbone": own.logit, "own": out_of_fold(own, names), "instead": out_of_fold(instead, names)}
    told = {"own": learnt(scores, own, names), "instead": learnt(scores, instead, names)}
    return table(title, own, columns, told)


def sample_base(rated: Rated, seeds: list[int]) -> np.ndarray:
    made = Prepared(rated.data, rated.codes, KnowledgeRows([]), np.zeros((1, 1), np.float32), encode=dict)
    recipe = TrainConfig()
    inputs = make_inputs(made, recipe.but(seed=1), WITHOUT, alive=lambda: None)
    logits = []
    for seed in seeds:
        fitted = fit_arm(made, recipe.but(seed=seed), WITHOUT, inputs=inputs, observer=Quiet())
        logits.append(logit(predict(fitted.backbone, fitted.examples, made.parts.valid, observer=Quiet())))
    return np.mean(logits, axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--on", choices=("sample", "rows"), default="sample")
    parser.add_argument("--catalog", type=int, default=480, help="people of the sample catalog")
    parser.add_argument("--people", type=int, default=48, help="whom the LLM is asked about")
    parser.add_argument("--each", type=int, default=12, help="ratings of one person, at most")
    parser.add_argument("--base", default="smollm2")
    parser.add_argument("--adapter", default="")
    parser.add_argument("--half-precision", action="store_true", help="as a GPU computes: quick where there is AMX")
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--texts", action="store_true", help="on rows: with their own and with another person's text")
    parser.add_argument("--ranker", default="din", help="on rows: the backbone")
    parser.add_argument("--seeds", type=lambda given: [int(one) for one in given.split(",")], default=[1, 2, 3])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, default=ROOT / "var/thinkrec_signal")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.cache.mkdir(parents=True, exist_ok=True)
    loaded = []

    def scorer() -> object:
        from recommender.thinkrec.scoring.scorer import load

        if not loaded:
            loaded.append(load(options.base, options.adapter, bfloat16=options.half_precision))
        return loaded[0]

    if options.on == "sample":
        rated = sample(options.catalog)
        each = {kind: scored(rated, kind, options, scorer) for kind in (NONE, OWN, OTHERS)}
        base, level = sample_base(rated, options.seeds), None
    else:
        rows = thinkrec_rows.Rows(options.data)
        rated = of_rows(rows)
        kept = from_file(options.scores, rated.data) if options.scores else None
        if options.texts:
            rated.told_by_the_loop(asked_about(rated, options))
        kinds = (NONE, OWN, OTHERS) if options.texts else (NONE,)
        each = {NONE: kept} if kept else {kind: scored(rated, kind, options, scorer) for kind in kinds}
        fits = thinkrec_rows.Fits(rows, {}, options.cache)
        said = [fits.of(options.ranker, seed)["valid"].astype(np.float64) for seed in options.seeds]
        base, level = np.mean([logit(one) for one in said], axis=0), levels(rated.data, rated.rows()) if kept else None
    print(json.dumps({"on": options.on, "base": options.base, **compare(rated, base, each, level)}))


if __name__ == "__main__":
    main()
