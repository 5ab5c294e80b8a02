"""What statements are worth: the planted truth of the sample in a template's sentences and in prose, and others' texts.

    python -m benchmarks.statement_signal [--seeds 1,2,3] [--people 200] [--draws 1000] [--only truth|null]

Truth: every text goes through the reader; AUC and GAUC over the model without knowledge, by training.fit_arm, as is.
`alone`: statements only (the arm `claims`) with what was learned (`learned`) or with the priors too (`in all`).
Null: texts of other people, for some end users; how often a weight is learned all the same, with the priors off. The
residuals are those of one fitted model without knowledge. The last line is JSON.
"""

import argparse
import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "r4web.settings")

import django  # noqa: E402

django.setup()

from benchmarks import told_tastes  # noqa: E402
from recommender.catalogs.feedback import FeedbackScale  # noqa: E402
from recommender.catalogs.sample import generate, truth  # noqa: E402
from recommender.dataset import attributes  # noqa: E402
from recommender.dataset.histories import STREAMING  # noqa: E402
from recommender.dataset.interactions import Interactions  # noqa: E402
from recommender.dataset.split import split  # noqa: E402
from recommender.dataset.text_file import BEFORE_ALL  # noqa: E402
from recommender.dataset.texts import KnowledgeRows, Text  # noqa: E402
from recommender.knowledge import encoder  # noqa: E402
from recommender.knowledge.encoder_choice import MINILM  # noqa: E402
from recommender.measures.scores import auc, gauc  # noqa: E402
from recommender.models import SubjectKind  # noqa: E402
from recommender.recipe import TrainConfig  # noqa: E402
from recommender.runs.observer import WITH, WITHOUT  # noqa: E402
from recommender.signals import stated  # noqa: E402
from recommender.statements.aspects import CatalogAspects  # noqa: E402
from recommender.training.calibration import logit  # noqa: E402
from recommender.training.fit import fit_arm  # noqa: E402
from recommender.training.inputs import make_inputs  # noqa: E402
from recommender.training.loop import predict  # noqa: E402
from recommender.training.prepare import Prepared  # noqa: E402

ALONE = {"knowledge_field": False, "knowledge_signal": False}
NULL = (5, 10, 20, 40, 80)  # end users with a text of somebody else
CONFIDENCE = 0.95


class Quiet:
    def at(self, stage, done, of): ...
    def alive(self): ...
    def epoch(self, epoch): ...


def catalog(people):
    """Interactions, aspects and tastes of so many people."""
    films, tastes = truth.films(), generate.make_tastes(truth.films(), people)
    told = [{"genres": list(f.genres), "director": f.director, "country": f.country, "year": f.year} for f in films]
    watched = list(generate.interactions(films, tastes, truth.appeal()))
    names = sorted({one.user_id for one in watched})
    items = [film.item_id for film in films]
    who, what = ({name: place for place, name in enumerate(side)} for side in (names, items))
    end_user = np.array([who[one.user_id] for one in watched], dtype=np.int32)
    moment = np.array([one.moment for one in watched], dtype=np.int64)
    order = np.lexsort((moment, end_user))
    rating, scale = np.array([one.rating for one in watched], dtype=np.float64)[order], FeedbackScale(1.0, 5.0, 3.0)
    vocabulary, none = attributes.fit(told, least=attributes.LEAST_ITEMS), np.full(len(order), -1, dtype=np.int8)
    data = Interactions(
        end_users=names,
        items=items,
        end_user_keys={},
        item_keys={},
        item_tokens=vocabulary.encode(told),
        tokens=list(vocabulary.tokens),
        scale=scale,
        keys=np.arange(1, 1 + len(order)),
        end_user=end_user[order],
        item=np.array([what[one.item_id] for one in watched], dtype=np.int32)[order],
        moment=moment[order],
        liked=scale.liked(rating, none),
        feedback=scale.bucket(rating, none),
        end_user_attributes=[{} for _ in names],
    )
    aspects = CatalogAspects.of(range(len(items)), items, [film.title for film in films], told)
    return data, aspects, {taste.user_id: taste for taste in tastes}


def knowledge(data, texts, moments=None):
    """A text of each of these end users from the start, or from a moment of their own."""
    numbers, moments = {name: number for number, name in enumerate(data.end_users)}, moments or {}
    hashed = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    rows = [
        Text(SubjectKind.END_USER, numbers[name], moments.get(name, BEFORE_ALL), hashed[name], text)
        for name, text in texts.items()
    ]
    return KnowledgeRows(sorted(rows, key=lambda one: one.subject))


def prepared(data, codes, aspects, known, vectors, *, bare=None):
    """`bare`: the same without texts, whose signals need not be fitted again."""
    made = Prepared(data, codes, known, vectors, encode=dict)
    made.once("aspects", lambda: aspects)
    for key, kept in (bare.kept if bare else {}).items():
        if key[0] == "signals":
            made.once(key, lambda kept=kept: kept)
    return made


def encoded(known):
    texts = known.to_encode()
    made = encoder.load(MINILM).encode(list(texts.values()), done=lambda _: None)
    return known.matrix(dict(zip(texts, made, strict=True)))


def scored(made, arm, recipe, seeds):
    """Mean AUC and GAUC of the test part over seeds, and what was learned of statements with the first."""
    rows = made.parts.test
    found, learned, inputs = [], None, make_inputs(made, recipe.but(seed=1), arm, alive=lambda: None)
    for seed in seeds:
        fitted = fit_arm(made, recipe.but(seed=seed), arm, inputs=inputs, observer=Quiet())
        said, who = fitted.probability[STREAMING], made.interactions.end_user[rows]
        label = made.interactions.liked[rows]
        found.append((auc(label, said), gauc(label, said, who)))
        learned = learned or fitted.learned
    return np.array(found), learned.to_json() if learned else None


def measure_truth(options):
    data, aspects, tastes = catalog(options.people)
    codes = split("r4ec", data.end_user, data.liked)
    recipe = TrainConfig(knowledge_words=False)
    nobody = prepared(data, codes, aspects, KnowledgeRows([]), np.zeros((1, 1), np.float32))
    base, _ = scored(nobody, WITHOUT, recipe, options.seeds)
    print(f"base {' / '.join(f'{one:.4f}' for one in base.mean(axis=0))}", flush=True)
    table = {}
    for style in (told_tastes.TEMPLATE, *told_tastes.STYLES):
        known = knowledge(data, {name: told_tastes.told(taste, style) for name, taste in tastes.items()})
        made = prepared(data, codes, aspects, known, encoded(known), bare=nobody)
        table[style] = {}
        for name, settings in (
            ("learned", ALONE | {"statement_priors": False}),
            ("in all", {}),
        ):
            found, learned = scored(made, WITH, recipe.but(**settings), options.seeds)
            gain = (found - base).mean(axis=0)
            table[style][name] = {"auc": round(gain[0], 4), "gauc": round(gain[1], 4), "learned": learned}
            print(f"{style:10} {name:8} {gain[0]:+.4f} / {gain[1]:+.4f}  {learned}", flush=True)
    best, shares = table[told_tastes.TEMPLATE], {}
    for name, of_best in best.items():
        for metric in ("auc", "gauc"):
            gains = [table[style][name][metric] for style in told_tastes.STYLES]
            shares[f"{name}, {metric}"] = round(float(np.mean(gains)) / of_best[metric], 3)
    print(f"prose over template: {shares}")
    return {"base": base.mean(axis=0).round(4).tolist(), "gains": table, "prose_over_template": shares}


def measure_null(options):
    """Texts of people of the catalog, dealt to others; residuals of one fitted model."""
    data, aspects, tastes = catalog(options.people)
    codes = split("r4ec", data.end_user, data.liked)
    known = knowledge(data, {name: told_tastes.template(taste) for name, taste in tastes.items()})
    said = stated.hold(known, aspects)
    made = prepared(data, codes, aspects, KnowledgeRows([]), np.zeros((1, 1), np.float32))
    fitted = fit_arm(made, TrainConfig(seed=1), WITHOUT, observer=Quiet())
    rows = np.concatenate([made.parts.train, made.parts.valid])
    probability = predict(fitted.backbone, fitted.examples, rows, observer=Quiet())
    whose = data.end_user[rows]
    own = stated.Answered(whose, whose + 1, data.item[rows], logit(probability), (data.liked[rows] > 0).astype(float))
    sums = stated.exchanged(said, own)  # every text by every end user's residuals
    asked = np.unique(whose)
    found = {}
    for count in NULL:
        accepted = 0
        for number in range(options.draws):
            draw = np.random.default_rng((count, number))
            chosen = draw.permutation(len(asked))[: 2 * count]
            people, others = chosen[:count], draw.permutation(chosen[count:])
            accepted += stated.chance(sums[np.ix_(others, people)], seed=number) <= stated.CHANCE
        found[count] = {"accepted": int(accepted), "upper": round(upper(int(accepted), options.draws), 4)}
        print(
            f"{count} texts of others: {accepted} of {options.draws} accepted, at most {found[count]['upper']:.1%}",
            flush=True,
        )
        own = [
            stated.chance(sums[np.ix_(chosen, chosen)], seed=number) <= stated.CHANCE
            for number in range(options.draws // 10)
            for chosen in [np.random.default_rng((count, number)).permutation(len(asked))[:count]]
        ]
        found[count]["own"] = round(float(np.mean(own)), 4)
        print(f"  their own: {found[count]['own']:.0%} accepted", flush=True)
    return found


def upper(count, of):
    """Clopper and Pearson's upper bound of a share, two-sided 95 %."""
    from scipy.stats import beta

    return float(beta.ppf(1 - (1 - CONFIDENCE) / 2, count + 1, of - count)) if count < of else 1.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=lambda given: [int(one) for one in given.split(",")], default=[1, 2, 3])
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--only", choices=("truth", "null"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    began, found = time.process_time(), {}
    if options.only != "null":
        found["truth"] = measure_truth(options)
    if options.only != "truth":
        found["null"] = measure_null(options)
    print(json.dumps(found | {"cpu_seconds": round(time.process_time() - began)}))


if __name__ == "__main__":
    main()
