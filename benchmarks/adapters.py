"""Demographics, calibration and knowledge adapters on ML-100k: valid scores and speed, no test part.

    python -m benchmarks.adapters [--data FOLDER] [--knowledge FILE --films FILE] [--epochs N] [--only PART] [--seed N]

Split r4ec, DIN with all signals. Scores are of the valid part, and the test part is not read: these are for choosing.
Calibration is fitted on half of the valid part's end users and scored on the other half, both ways. Knowledge: the
research data's texts about ML-1M's films, given to the films of ML-100k with the same title, as a field alone
(`knowledge_signal` off), so that what differs is the adapter. Speed: training steps, the adapters by turns, medians.
The last line printed is one JSON object.
"""

import argparse
import atexit
import gzip
import hashlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
folder = tempfile.mkdtemp(prefix="r4-adapters-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
os.environ |= {"DJANGO_SETTINGS_MODULE": "r4web.settings", "R4_VAR": folder, "R4_LOG_LEVEL": "WARNING"}

import django  # noqa: E402

django.setup()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from django.core.management import call_command  # noqa: E402
from torch.nn import functional  # noqa: E402

from recommender.dataset.examples import build  # noqa: E402
from recommender.dataset.histories import STREAMING  # noqa: E402
from recommender.dataset.texts import KnowledgeRows, Text  # noqa: E402
from recommender.knowledge import encoder  # noqa: E402
from recommender.measures.scores import ece, logloss  # noqa: E402
from recommender.models import Catalog, SubjectKind  # noqa: E402
from recommender.recipe import ADAPTERS, CALIBRATIONS, TrainConfig  # noqa: E402
from recommender.runs.observer import WITHOUT, Quiet  # noqa: E402
from recommender.training import calibration, loop, prepare  # noqa: E402
from recommender.training.batches import to_batch  # noqa: E402
from recommender.training.fit import fit_backbone  # noqa: E402
from recommender.training.inputs import make_inputs  # noqa: E402
from recommender.training.prepare import Prepared  # noqa: E402

BEFORE_ALL = -(2**62)
ROUNDS, STEPS = 5, 12  # of the speed measurement


def about_films(films, knowledge, interactions, titles):
    """The texts about films of the same title."""
    of_title = {}
    for line in films.read_text("latin-1").splitlines():
        number, title, _ = line.split("::")
        of_title[title.casefold()] = number
    with gzip.open(knowledge, "rt") as file:
        said = {one["item_id"]: one["text"] for one in map(json.loads, file)}
    texts = []
    for number, name in enumerate(interactions.items):
        if text := said.get(of_title.get(titles[name].casefold(), ""), ""):
            text_hash = hashlib.sha256(text.encode()).hexdigest()
            texts.append(Text(SubjectKind.ITEM, number, BEFORE_ALL, text_hash, text))
    return KnowledgeRows(texts)


def halves(examples, rows, logits):
    """{method: (LogLoss, ECE)} of a calibration fitted on one half of the end users and scored on the other."""
    label, end_user = examples.labels(rows), examples.interactions.end_user[rows]
    found = {}
    for method in CALIBRATIONS:
        probability = np.empty(len(rows))
        for fitted in (end_user % 2 == 0, end_user % 2 == 1):
            made = calibration.fit(method, logits[fitted], label[fitted])
            probability[~fitted] = made.probability(logits[~fitted])
        found[method] = {"logloss": logloss(label, probability), "ece": ece(label, probability)}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shared = ROOT.parent / "shared/data"
    parser.add_argument("--data", type=Path, default=shared / "ml-100k")
    parser.add_argument("--knowledge", type=Path, default=shared / "ml-1m/item_knowledge.jsonl.gz")
    parser.add_argument("--films", type=Path, default=shared / "ml-1m/movies.dat")
    parser.add_argument("--cache", type=Path, default=ROOT / "var/adapters")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["demographics", "adapters", "plain", "speed"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    call_command("migrate", verbosity=0)
    call_command("import_catalog", "ml100k", str(options.data), "--format", "movielens-100k", "--json")
    catalog = Catalog.objects.get()
    base = TrainConfig(epochs=options.epochs, patience=2, seed=options.seed, knowledge_signal=False, calibration="none")
    began = time.perf_counter()
    read, codes = prepare.read(catalog, base)
    prepared = Prepared(read, codes, KnowledgeRows([]), np.zeros((1, 1), np.float32), encode=dict)
    parts, demographics = replace(prepared.parts, test=prepared.parts.valid), prepared.demographics
    bare = make_inputs(prepared, base.but(demographics=False), WITHOUT, alive=lambda: None).examples[STREAMING]
    print(f"signals {time.perf_counter() - began:.0f} s; demographics {demographics.size - 1} tokens", flush=True)
    result = {}

    def fitted(name, examples, vectors=None, **choices):
        config = base.but(**choices)
        fit, backbone = fit_backbone(examples, parts, codes, vectors, config, model="with_knowledge", observer=Quiet())
        valid = fit.valid
        found = {"auc": valid.auc, "gauc": valid.gauc, "logloss": valid.logloss, "ece": valid.ece}
        found |= {"best_epoch": fit.best_epoch} | {k: v for k, v in fit.details.items() if k == "knowledge_gates"}
        logits = calibration.logit(loop.predict(backbone, examples, parts.valid, observer=Quiet()))
        result[name] = found | {"calibrated": halves(examples, parts.valid, logits)}
        print(f"{name:34}" + json.dumps(result[name]), flush=True)

    if options.only in (None, "demographics"):
        with_them = replace(
            bare, demographics=demographics, end_user_tokens=demographics.encode(read.end_user_attributes)
        )
        for name, examples in (("without demographics", bare), ("with demographics", with_them)):
            fitted(name, examples)
        if options.only:
            print(json.dumps(result))
            return
    titles = dict(catalog.items.values_list("external_id", "title"))
    known = about_films(options.films, options.knowledge, read, titles)
    options.cache.mkdir(parents=True, exist_ok=True)
    path = options.cache / "ml100k.npy"
    if not path.exists():
        np.save(path, encoder.load("minilm").encode([one.text for one in known.texts], done=lambda n: None))
    encoded = np.load(path)
    vectors = known.matrix({one.text_hash: row for one, row in zip(known.texts, encoded, strict=True)})
    examples = replace(build(read, known, history=base.history, demographics=demographics), signals=bare.signals)
    print(f"{len(known.texts)} texts; {examples.coverage(parts.train)}", flush=True)
    choices = {
        f"{adapter}, whiten {whiten}": {"adapter": adapter, "whiten": whiten}
        for whiten in (0, 64)
        for adapter in ADAPTERS
    }
    if options.only in (None, "adapters"):
        for name, chosen in choices.items():
            fitted(name, examples, vectors, **chosen)
        fitted("hea, whiten 0, no gate", examples, vectors, knowledge_gate=False)
        fitted("hea, whiten 64, no gate", examples, vectors, whiten=64, knowledge_gate=False)
        shuffled = vectors.copy()
        shuffled[1:] = shuffled[1:][np.random.default_rng(5).permutation(len(vectors) - 1)]
        fitted("hea, whiten 0, shuffled texts", examples, shuffled)
    if options.only in (None, "plain"):  # where there is more for a text to add
        plain = build(read, known, history=base.history)
        fitted("plain DIN, no knowledge", plain, match=False)
        for adapter in ADAPTERS:
            for gate in (True, False):
                name = f"plain DIN, {adapter}, {'gate' if gate else 'no gate'}"
                fitted(name, plain, vectors, match=False, adapter=adapter, knowledge_gate=gate)
    if options.only in (None, "speed"):
        result["samples_per_second"] = speeds(examples, parts, codes, vectors, base, choices)
    print(json.dumps(result))


def speeds(examples, parts, codes, vectors, base, choices):
    """Training samples per second of each adapter and of none: median over rounds taken by turns."""
    steppers = {}
    one = base.but(epochs=1)
    few = replace(parts, train=parts.train[:64], valid=parts.valid[:64])
    for name, chosen in {"no knowledge": None, **choices}.items():
        config, given = (one, None) if chosen is None else (one.but(**chosen), vectors)
        _, backbone = fit_backbone(examples, few, codes, given, config, model="with_knowledge", observer=Quiet())
        steppers[name] = backbone.train(), torch.optim.AdamW(backbone.parameters(), lr=1e-3, fused=True)
    batches = [parts.train[first : first + 1024] for first in range(0, 1024 * STEPS, 1024)]
    seconds = {name: [] for name in steppers}
    for _ in range(ROUNDS):
        for name, (backbone, optimizer) in steppers.items():
            began = time.perf_counter()
            for rows in batches:
                logits = backbone(to_batch(examples.batch(rows))).squeeze(1)
                loss = functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(examples.labels(rows)))
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
            seconds[name].append(time.perf_counter() - began)
    found = {name: round(1024 * STEPS / float(np.median(taken))) for name, taken in seconds.items()}
    for name, speed in found.items():
        print(f"{name:34}{speed:>8,} samples/s", flush=True)
    return found


if __name__ == "__main__":
    main()
