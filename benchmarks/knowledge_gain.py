"""What each input adds on ML-1M, up to the knowledge and its controls: AUC, GAUC and LogLoss with intervals.

    python -m benchmarks.knowledge_gain [--data FOLDER] [--users 0.4] [--seeds 1,2,3] [--rows floor,knowledge]

Split r4ec (per end user, by order, 80/20, the first 11 unscored, valid = the last tenth of train); the best epoch is
chosen on valid and the test part is read once. Streaming: a test row's history grows with earlier test rows. Frozen:
every test row of an end user sees the history up to the split only, as a served list does. Intervals: 95 %, paired,
over end users and seeds. Text vectors are kept in --cache. The last line is JSON.

`manage.py evaluate` measures knowledge and its controls on any catalog, with the field and a report; this is for single
inputs, and for the signals without a backbone.
"""

import argparse
import gzip
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "r4web.settings")

import django  # noqa: E402

django.setup()

from recommender.catalogs.feedback import FeedbackScale  # noqa: E402
from recommender.catalogs.importers.movielens import end_user_1m  # noqa: E402
from recommender.dataset import attributes  # noqa: E402
from recommender.dataset.histories import HISTORIES  # noqa: E402
from recommender.dataset.interactions import Interactions  # noqa: E402
from recommender.dataset.split import Parts, split  # noqa: E402
from recommender.dataset.texts import KnowledgeRows, Text  # noqa: E402
from recommender.knowledge import encoder  # noqa: E402
from recommender.knowledge.encoder_choice import MINILM  # noqa: E402
from recommender.measures import bootstrap  # noqa: E402
from recommender.measures.scores import auc, gauc, logloss  # noqa: E402
from recommender.models import SubjectKind  # noqa: E402
from recommender.recipe import SIGNALS, TrainConfig  # noqa: E402
from recommender.runs.observer import WITH, WITHOUT  # noqa: E402
from recommender.signals import gaussian_process, statistics  # noqa: E402
from recommender.signals.registry import Joined  # noqa: E402
from recommender.training.fit import fit_arm  # noqa: E402
from recommender.training.inputs import make_inputs  # noqa: E402
from recommender.training.prepare import Prepared  # noqa: E402

SIGNAL_ALONE = {"knowledge_field": False, "knowledge_words": False, "statements": False}  # of knowledge
BEFORE_ALL = -(2**62)
OFF = dict.fromkeys((*SIGNALS, "match", "demographics"), False)
ROWS = {  # settings, and whose texts join as knowledge
    "plain": (OFF | {"history": 5}, None),
    "strong base": (OFF | {"statistics": True, "match": True, "drift": True, "demographics": True}, None),
    "+ metadata": ({"collaborative": False}, None),
    "+ collaborative": ({"metadata": False}, None),
    "floor": ({}, None),
    "knowledge": ({}, "knowledge"),
    "shuffled": ({}, "shuffled"),
    "metadata text": ({}, "metadata"),
    "random": ({}, "random"),
}


class Quiet:
    """An observer that prints epochs."""

    def at(self, stage, done, of): ...
    def alive(self): ...
    def epoch(self, epoch):
        valid, speed = epoch.valid, f"{epoch.samples_per_second:,.0f} samples/s"
        found = f"AUC {valid.auc:.4f}, GAUC {valid.gauc:.4f}, LogLoss {valid.logloss:.4f}"
        print(f"    {epoch.number}: loss {epoch.train_loss:.4f}, valid {found}, {speed}", flush=True)


def read(folder, share, first_genre):
    with gzip.open(folder / "interactions.csv.gz", "rt") as file:
        user, item, place, label = np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64).T
    kept = np.unique(user)
    if share < 1:
        kept = np.random.default_rng(0).permutation(kept)[: round(share * len(kept))]
    chosen = np.isin(user, kept)
    user, item, place, label = user[chosen], item[chosen], place[chosen], label[chosen]
    films = {}
    for line in (folder / "movies.dat").read_text("latin-1").splitlines():
        number, title, genres = line.split("::")
        films[int(number)] = {"title": title, "genres": genres.split("|"), "year": int(title[-5:-1])}
    names = sorted({str(one) for one in user}), sorted(str(one) for one in films)
    numbers = [{name: place for place, name in enumerate(side)} for side in names]
    bags = [{"genres": films[int(n)]["genres"], "year": films[int(n)]["year"]} for n in names[1]]
    bags = [{"genres": one["genres"][:1]} for one in bags] if first_genre else bags
    vocabulary = attributes.fit(bags, least=attributes.LEAST_ITEMS)
    lines = (folder / "users.dat").read_text("latin-1").splitlines()
    people = {name: json.loads(bag) for name, bag in map(end_user_1m, lines)}
    end_user = np.array([numbers[0][str(one)] for one in user.tolist()], dtype=np.int32)
    order = np.lexsort((place, end_user))
    label, scale = label[order].astype(np.int8), FeedbackScale(1.0, 5.0, 3.0)
    rating = np.full(len(label), np.nan)
    data = Interactions(
        end_users=names[0],
        items=names[1],
        end_user_keys={},
        item_keys={},
        item_tokens=vocabulary.encode(bags),
        tokens=list(vocabulary.tokens),
        scale=scale,
        keys=np.arange(1, 1 + len(label)),
        end_user=end_user[order],
        item=np.array([numbers[1][str(one)] for one in item.tolist()], dtype=np.int32)[order],
        moment=place[order],
        liked=scale.liked(rating, label),
        feedback=scale.bucket(rating, label),
        end_user_attributes=[people[name] for name in names[0]],
    )
    about = [f"{films[int(n)]['title']}. Genres: {', '.join(films[int(n)]['genres'])}." for n in names[1]]
    return data, about


def vectors(texts, cache):
    """MiniLM's, an empty text a zero row; computed once per set of texts."""
    path = cache / (hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16] + ".npy")
    if not path.exists():
        there = [place for place, text in enumerate(texts) if text]
        made = encoder.load(MINILM).encode([texts[place] for place in there], done=lambda _: None)
        found = np.zeros((len(texts), made.shape[1]), dtype=np.float32)
        found[there] = made
        np.save(path, found)
    return np.load(path)


def texts_of(source, said, about, cache):
    """A text of every item before all interactions, and the vectors of `source` (1 + items, D)."""
    made, random = vectors(about if source == "metadata" else said, cache), np.random.default_rng(5)
    if source == "shuffled":
        made = made[random.permutation(len(made))]
    elif source == "random":
        made = random.normal(size=made.shape)
    texts = [Text(SubjectKind.ITEM, number, BEFORE_ALL, str(number)) for number in range(len(said))]
    return KnowledgeRows(texts), np.vstack([np.zeros((1, made.shape[1])), made]).astype(np.float32)


def alone(examples, signals):
    """Probabilities by the signals themselves, without a backbone: the item's mean + the process's with the drift."""
    columns = Joined(signals, examples).columns
    mean = columns("statistics")[:, 0] / statistics.SCALE[0] + statistics.CENTRE[0]
    with_drift = columns("gaussian_process")[:, -1] / gaussian_process.SCALE[-1]
    return np.clip(mean + with_drift, 0.01, 0.99)


def intervals(ours, base, label, end_user):
    """Differences of AUC and GAUC (rows: seeds) with their 95 % intervals: {metric: [difference, low, high]}."""
    found = bootstrap.scores(label, ours, end_user, against=base, metrics=("auc", "gauc"))
    return {name: [one.estimate, one.low, one.high] for name, one in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/ml-1m")
    parser.add_argument(
        "--texts", type=Path, help="other texts than item_knowledge.jsonl.gz: JSON lines, item_id, text"
    )
    parser.add_argument("--cache", type=Path, default=ROOT / "var/knowledge_gain")
    parser.add_argument("--users", type=float, default=1.0, help="share of the end users, drawn at random")
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--signals-only", action="store_true", help="rank by the signals alone")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.cache.mkdir(parents=True, exist_ok=True)
    data, about = read(options.data, options.users, first_genre=False)
    codes = split("r4ec", data.end_user, data.liked)
    parts = Parts.of(codes)
    rows, label, end_user = parts.test, data.liked[parts.test], data.end_user[parts.test]
    path = options.texts or options.data / "item_knowledge.jsonl.gz"
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        said = {one["item_id"]: one["text"] for one in map(json.loads, file)}
    scored, table, seeds = {}, {}, [int(seed) for seed in options.seeds.split(",")]
    print(
        f"{len(data.end_users):,} end users; train {len(parts.train):,}, valid {len(parts.valid):,}, test {len(rows):,}"
    )
    for name in options.rows.split(","):
        settings_of, source = ROWS[name]
        config = TrainConfig(seed=seeds[0], epochs=options.epochs, patience=1, batch_size=options.batch_size)
        config = config.but(**(SIGNAL_ALONE | settings_of))
        began, used = time.perf_counter(), data
        if name == "plain":
            used, _ = read(options.data, options.users, first_genre=True)
        known, of_texts = KnowledgeRows([]), np.zeros((1, 1), np.float32)
        if source:
            known, of_texts = texts_of(source, [said.get(name, "") for name in data.items], about, options.cache)
        prepared, arm = Prepared(used, codes, known, of_texts, encode=dict), WITH if source else WITHOUT
        inputs = make_inputs(prepared, config, arm, histories=HISTORIES, alive=lambda: None)
        process: Any = inputs.signals.fitted.get("gaussian_process")
        amplitudes = list(process.amplitudes) if process else []
        print(f"{name}: signals in {time.perf_counter() - began:.0f} s, amplitudes {amplitudes}", flush=True)
        if options.signals_only:
            made = {kind: [alone(examples, inputs.signals)[rows]] for kind, examples in inputs.examples.items()}
        else:
            fitted = [
                fit_arm(prepared, config.but(seed=seed), arm, inputs=inputs, model=name, observer=Quiet())
                for seed in seeds
            ]
            made = {kind: [each.probability[kind] for each in fitted] for kind in HISTORIES}
        scored[name] = {kind: np.stack(scores) for kind, scores in made.items()}
        table[name] = {
            "seeds": 1 if options.signals_only else len(seeds),
            "seconds": round(time.perf_counter() - began),
        }
        for kind, scores in made.items():
            each = [(auc(label, s), gauc(label, s, end_user), logloss(label, s)) for s in scores]
            table[name][kind] = dict(zip(("auc", "gauc", "logloss"), np.mean(each, axis=0).tolist(), strict=True))
        print(
            f"{name:18}"
            + "  ".join(
                f"{k} {v['auc']:.4f} / {v['gauc']:.4f} / {v['logloss']:.4f}"
                for k, v in table[name].items()
                if isinstance(v, dict)
            ),
            flush=True,
        )
    differences = {}
    for one, other in (
        ("knowledge", "floor"),
        ("knowledge", "shuffled"),
        ("knowledge", "metadata text"),
        ("shuffled", "floor"),
        ("random", "floor"),
        ("metadata text", "floor"),
        ("floor", "plain"),
    ):
        if one in scored and other in scored:
            for kind in ("streaming", "frozen"):
                found = intervals(scored[one][kind], scored[other][kind], label, end_user)
                differences[f"{one} - {other}, {kind}"] = found
                print(
                    f"{one} - {other}, {kind}: "
                    + ", ".join(
                        f"{m.upper()} {d:+.4f} [{low:+.4f}, {high:+.4f}]" for m, (d, low, high) in found.items()
                    )
                )
    print(json.dumps({"users": len(data.end_users), "test": len(rows), "rows": table, "differences": differences}))


if __name__ == "__main__":
    main()
