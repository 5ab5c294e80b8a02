"""ThinkRec's own ML-1M rows: our rankers beside its published table, with intervals and on 20 random quarters.

    python -m benchmarks.thinkrec_rows [--rankers "mf;din;din knowledge"] [--seeds 1,2,3,4,5] [--test]

The split `given` at ThinkRec's two moments. The epoch is chosen on the valid part, and so is all else: without --test
only the valid part is read. A ranker is mf, lightgcn, sasrec, or a backbone, alone or with item texts: `din knowledge`,
`din shuffled` (the texts of other films), `din metadata` (titles and genres as sentences); with implicit installed
(`pip install implicit`) also its als and bpr. `=` after it gives settings of its own: `din
knowledge=history:60,metadata_text:true`. --average N makes one ranker of N seeds by their mean logit. Every fit is kept
in --cache, so a run that was interrupted goes on. Streaming: a row's history is all that came before it. Intervals:
95 %, over end users and seeds, and paired against --against. The last line is JSON.
"""

import argparse
import csv
import gzip
import hashlib
import importlib
import json
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix

from benchmarks.item_texts import DATA, of_ml_1m
from benchmarks.knowledge_gain import BEFORE_ALL, ROOT, vectors
from recommender.catalogs.feedback import FeedbackScale
from recommender.dataset import attributes
from recommender.dataset.interactions import Interactions
from recommender.dataset.split import Parts, split
from recommender.dataset.texts import KnowledgeRows, Text
from recommender.measures import bootstrap, statistics
from recommender.measures.thinkrec import ranked
from recommender.models import SubjectKind
from recommender.recipe import BACKBONES, TrainConfig
from recommender.runs.observer import WITH, WITHOUT, Quiet
from recommender.signals import spaces
from recommender.thinkrec.collaborative.fit import MODELS, fit
from recommender.training.calibration import logit
from recommender.training.fit import fit_arm
from recommender.training.inputs import make_inputs
from recommender.training.loop import predict
from recommender.training.prepare import Prepared

CUTS = {"split": "given", "valid_from": 1017620997, "test_from": 1030839253}
SOURCES = ("knowledge", "shuffled", "metadata")
FIRST = ("auc", "thinkrec_uauc", "thinkrec_ndcg@5", "thinkrec_map@5")  # the columns of the published table
PUBLISHED = {
    "MF": (0.6401, 0.6079, 0.7286, 0.4520),
    "LightGCN": (0.6140, 0.6230, 0.7333, 0.4600),
    "SASRec": (0.6956, 0.6687, 0.7663, 0.4747),
    "CoLLM": (0.7141, 0.6672, 0.7585, 0.4647),
    "ThinkRec": (0.7764, 0.6775, 0.7747, 0.4774),
}
PEERS = {  # of the library implicit, which is no requirement of ours
    "als": ("implicit.als", "AlternatingLeastSquares"),
    "bpr": ("implicit.bpr", "BayesianPersonalizedRanking"),
}
QUARTERS = 20
OF_THE_FIT = (  # settings that no input depends on
    "batch_size",
    "dropout",
    "embedding",
    "epochs",
    "head",
    "knowledge_field",
    "learning_rate",
    "patience",
    "rare_below",
    "select_by",
    "weight_decay",
)


class Rows:
    """The interactions, and what is said of each film: `knowledge`, and `metadata` as a sentence."""

    def __init__(self, data: Path) -> None:
        folder = data / "thinkrec-ml-1m"
        with (folder / "items.csv").open() as file:
            films = {row["item_id"]: row for row in csv.DictReader(file)}
        with gzip.open(folder / "interactions.csv.gz", "rt") as file:
            rows = [
                (row["user_id"], row["item_id"], int(row["label"]), int(row["timestamp"]))
                for row in csv.DictReader(file)
            ]
        self.interactions = interactions(rows, films)
        self.codes = split(
            CUTS["split"],
            self.interactions.end_user,
            self.interactions.liked,
            moment=self.interactions.moment,
            cuts=(CUTS["valid_from"], CUTS["test_from"]),
        )
        about = [films[name] for name in self.interactions.items]
        texts = of_ml_1m(data)
        self.knowledge = [texts.get(film["movie_id"], "") for film in about]
        self.metadata = [f"{film['title']}. Genres: {', '.join(film['genres'].split('|'))}." for film in about]

    def texts(self, source: str) -> list[str]:
        said = self.metadata if source == "metadata" else self.knowledge
        return [said[n] for n in self.order(source).tolist()]

    def order(self, source: str) -> np.ndarray:
        """Whose text each film gets."""
        count = len(self.knowledge)
        return np.random.default_rng(5).permutation(count) if source == "shuffled" else np.arange(count)

    def prepared(self, source: str, cache: Path) -> Prepared:
        """`source`: one of SOURCES, or empty where there is no text."""
        known, matrix = KnowledgeRows([]), np.zeros((1, 1), np.float32)
        if source:
            said = self.texts(source)
            found = [(n, text, hashlib.sha256(text.encode()).hexdigest()) for n, text in enumerate(said) if text]
            known = KnowledgeRows([Text(SubjectKind.ITEM, n, BEFORE_ALL, sha, text) for n, text, sha in found])
            made = vectors(self.metadata if source == "metadata" else self.knowledge, cache)[self.order(source)]
            matrix = np.vstack([np.zeros((1, made.shape[1])), made[[n for n, _, _ in found]]]).astype(np.float32)
        prepared = Prepared(self.interactions, self.codes, known, matrix, encode=dict)
        prepared.once("sentences", lambda: spaces.of_vectors(vectors(self.metadata, cache)))
        return prepared


def interactions(rows: list[tuple[str, str, int, int]], films: dict[str, dict[str, str]]) -> Interactions:
    end_users, items = sorted({row[0] for row in rows}), sorted(films)
    end_user, item = ({name: n for n, name in enumerate(names)} for names in (end_users, items))
    bags = [{"genres": films[name]["genres"].split("|"), "year": int(films[name]["title"][-5:-1])} for name in items]
    vocabulary = attributes.fit(bags, least=attributes.LEAST_ITEMS)
    table = np.array([(end_user[who], item[what], label, when) for who, what, label, when in rows], dtype=np.int64)
    table = table[np.lexsort((np.arange(len(table)), table[:, 3], table[:, 0]))]
    scale, label, unrated = FeedbackScale(1.0, 5.0, 3.0), table[:, 2].astype(np.int8), np.full(len(table), np.nan)
    return Interactions(
        end_users=end_users,
        items=items,
        end_user_keys={},
        item_keys={},
        item_tokens=vocabulary.encode(bags),
        tokens=list(vocabulary.tokens),
        scale=scale,
        keys=np.arange(1, 1 + len(table)),
        end_user=table[:, 0].astype(np.int32),
        item=table[:, 1].astype(np.int32),
        moment=table[:, 3],
        liked=scale.liked(unrated, label),
        feedback=scale.bucket(unrated, label),
    )


def settings_of(ranker: str) -> tuple[str, dict[str, object]]:
    """The ranker's kind and the settings after `=`."""
    kind, _, said = ranker.partition("=")
    pairs = (pair.split(":") for pair in said.split(",") if pair)
    return kind.strip(), {name.strip(): json.loads(value) for name, value in pairs}


class Fits:
    """Probabilities of valid and test rows, by ranker and seed; kept in files."""

    def __init__(self, rows: Rows, common: dict[str, object], cache: Path) -> None:
        self.rows, self.common, self.cache, self.inputs, self.without = rows, common, cache, {}, {}
        cache.mkdir(parents=True, exist_ok=True)

    def of(self, ranker: str, seed: int) -> dict[str, np.ndarray]:
        kind, own = settings_of(ranker)
        settings = self.common | own if kind.split()[0] in BACKBONES else own
        told = json.dumps([kind, settings, seed], sort_keys=True)
        path = self.cache / f"{kind.replace(' ', '-')}-{hashlib.sha256(told.encode()).hexdigest()[:12]}.npz"
        if not path.exists():
            make = self.collaborative if kind in MODELS else self.peer if kind in PEERS else self.backbone
            made = make(kind, settings, seed)
            np.savez_compressed(path, told=told, **made)
        with np.load(path) as kept:
            return {part: kept[part] for part in ("valid", "test")}

    def backbone(self, kind: str, settings: dict[str, object], seed: int) -> dict[str, np.ndarray]:
        name, _, source = kind.partition(" ")
        recipe, arm = TrainConfig(backbone=name, **CUTS, **settings), WITH if source else WITHOUT
        key = (
            kind,
            json.dumps({name: value for name, value in settings.items() if name not in OF_THE_FIT}, sort_keys=True),
        )
        if key not in self.inputs:
            prepared = self.rows.prepared(source, self.cache)
            prepared.kept.update(self.without)  # the signals without texts, which no source changes
            self.inputs = {key: (prepared, make_inputs(prepared, recipe.but(seed=1), arm, alive=lambda: None))}
            made = prepared.kept | (prepared.refit.kept if recipe.refit else {})
            self.without |= {what: kept for what, kept in made.items() if what[0] == "signals"}
        prepared, inputs = self.inputs[key]
        fitted = fit_arm(prepared, recipe.but(seed=seed), arm, inputs=inputs, observer=Quiet())
        if recipe.refit:  # it has learnt the valid part: what it was before says what it is worth there
            bare = {name: value for name, value in settings.items() if name != "refit"}
            told = bare | ({"refit": False} if "refit" in self.common else {})
            first = ",".join(f"{name}:{json.dumps(value)}" for name, value in told.items())
            valid = self.of(f"{kind}={first}", seed)["valid"]
        else:
            valid = predict(fitted.backbone, fitted.examples, prepared.parts.valid, observer=Quiet())
        print(f"    {kind}, seed {seed}: epoch {fitted.fit.best_epoch}, {fitted.fit.seconds:.0f} s", flush=True)
        return {"valid": valid, "test": fitted.probability["streaming"]}

    def collaborative(self, kind: str, settings: dict[str, object], seed: int) -> dict[str, np.ndarray]:
        parts = Parts.of(self.rows.codes)
        fitted = fit(self.rows.interactions, self.rows.codes, MODELS[kind][0](**settings, seed=seed))
        print(f"    {kind}, seed {seed}: epoch {fitted.best_epoch} of {fitted.epochs}", flush=True)
        return {part: fitted.probability(getattr(parts, part)) for part in ("valid", "test")}

    def peer(self, kind: str, settings: dict[str, object], seed: int) -> dict[str, np.ndarray]:
        """implicit's, fitted on the train part's likes. Whom or what it never met has a vector of zeros."""
        module, name = PEERS[kind]
        data, parts = self.rows.interactions, Parts.of(self.rows.codes)
        liked = parts.train[data.liked[parts.train] == 1]
        met = csr_matrix(
            (np.ones(len(liked), np.float32), (data.end_user[liked], data.item[liked])),
            shape=(len(data.end_users), len(data.items)),
        )
        model = getattr(importlib.import_module(module), name)(**settings, num_threads=1, random_state=seed)
        model.fit(met, show_progress=False)
        known = np.diff(met.indptr) > 0, np.diff(met.tocsc().indptr) > 0
        end_user, item = (
            np.where(there[:, None], table, 0.0)
            for there, table in zip(known, (model.user_factors, model.item_factors), strict=True)
        )
        logits = {
            part: (end_user[data.end_user[of]] * item[data.item[of]]).sum(axis=1)
            for part, of in (("valid", parts.valid), ("test", parts.test))
        }
        return {part: 1 / (1 + np.exp(-score)) for part, score in logits.items()}


def measured(label: np.ndarray, score: np.ndarray, end_user: np.ndarray) -> dict[str, statistics.Statistic]:
    """The published columns, then the usual ones."""
    return {**ranked(label, score, end_user), "logloss": statistics.of("logloss", label, score, end_user)}


def estimates(label: np.ndarray, scores: list[np.ndarray], end_user: np.ndarray) -> dict[str, float]:
    """The mean over the seeds of each measure."""
    made = [measured(label, score, end_user) for score in scores]
    return {name: float(np.mean([one[name](np.ones((1, one[name].end_users)))[0] for one in made])) for name in made[0]}


def averaged(scores: list[np.ndarray], count: int) -> list[np.ndarray]:
    """Of each `count` seeds one ranker: the probability of their mean logit."""
    groups = [scores[first : first + count] for first in range(0, len(scores) - count + 1, count)]
    return [1 / (1 + np.exp(-np.mean([logit(score) for score in group], axis=0))) for group in groups]


def quarters(label: np.ndarray, scores: list[np.ndarray], end_user: np.ndarray) -> dict[str, list[float]]:
    """Mean, lowest and highest of each published column over QUARTERS random quarters of the rows."""
    found = []
    for number in range(QUARTERS):
        some = np.sort(np.random.default_rng(number).permutation(len(label))[: len(label) // 4])
        one = estimates(label[some], [score[some] for score in scores], end_user[some])
        found.append([one[name] for name in FIRST])
    return {
        name: [min(seen), float(np.mean(seen)), max(seen)]
        for name, seen in zip(FIRST, zip(*found, strict=True), strict=True)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, default=ROOT / "var/thinkrec_rows")
    parser.add_argument("--rankers", default="mf;lightgcn;sasrec;din;din knowledge;din shuffled;din metadata")
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--average", type=int, default=1, metavar="N", help="N seeds are one ranker")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="of every backbone")
    parser.add_argument("--against", help="some of the rankers, `;` between them: differences from them, paired")
    parser.add_argument("--test", action="store_true", help="read the test part")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = Rows(options.data)
    common = {name: json.loads(value) for name, value in (text.split("=", 1) for text in options.set)}
    fits, seeds, part = Fits(rows, common, options.cache), [int(seed) for seed in options.seeds.split(",")], "valid"
    if options.test:
        part = "test"
        for name, figures in PUBLISHED.items():
            print(f"{name + ' (published)':44}" + "  ".join(f"{figure:.4f}" for figure in figures))
    chosen = getattr(Parts.of(rows.codes), part)
    label, end_user = rows.interactions.liked[chosen], rows.interactions.end_user[chosen]
    drawn, report = {}, {}
    for ranker in [one.strip() for one in options.rankers.split(";")]:
        scores = averaged([fits.of(ranker, seed)[part] for seed in seeds], options.average)
        found = [measured(label, score, end_user) for score in scores]
        drawn[ranker] = {name: [bootstrap.draw(one[name]) for one in found] for name in found[0]}
        intervals = {name: bootstrap.of_draws(runs).to_json() for name, runs in drawn[ranker].items()}
        report[ranker] = {"intervals": intervals}
        print(f"{ranker:44}" + "  ".join(f"{intervals[name]['estimate']:.4f}" for name in intervals), flush=True)
        print(" " * 44 + "  ".join(f"[{one['low']:.4f}, {one['high']:.4f}]" for one in list(intervals.values())[:4]))
        if options.test:
            report[ranker]["quarters"] = quarters(label, scores, end_user)
            print(f"{'  quarters: lowest, mean, highest':44}" + str(report[ranker]["quarters"]))
    bases = [one.strip() for one in options.against.split(";")] if options.against else []
    for ranker, base in ((one, base) for base in bases for one in drawn if one != base):
        pairs = {name: (drawn[ranker][name], drawn[base][name]) for name in drawn[ranker]}
        gained = {name: bootstrap.of_draws(ours, against=theirs) for name, (ours, theirs) in pairs.items()}
        report[ranker].setdefault("gained", {})[base] = {name: one.to_json() for name, one in gained.items()}
        words = ", ".join(
            f"{name} {one.estimate:+.4f} [{one.low:+.4f}, {one.high:+.4f}]" for name, one in gained.items()
        )
        print(f"{ranker} less {base}: {words}")
    print(json.dumps({"part": part, "seeds": seeds, "average": options.average, "rankers": report}))


if __name__ == "__main__":
    main()
