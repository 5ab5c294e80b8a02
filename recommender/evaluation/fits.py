"""The fits of an evaluation: every arm with every backbone and seed, all on the same rows.

What no fit changes is done once (training.prepare), and so are the signals of each arm. Those are fitted from one seed
for all fits, so that seeds differ in the backbones alone. The same seed starts and shuffles every arm alike.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recommender.dataset.histories import FROZEN, HISTORIES
from recommender.dataset.interactions import Interactions, trained_on
from recommender.dataset.split import describe
from recommender.dataset.text_file import read_text_file
from recommender.dataset.texts import KnowledgeRows, read_proposed_texts, read_texts
from recommender.evaluation import full_ranking
from recommender.evaluation.arms import ARMS, SCORED, Study
from recommender.evaluation.figures import FitKey, Samples
from recommender.measures.slices import slices
from recommender.models import KnowledgeSnapshot
from recommender.runs.observer import WITH, WITHOUT, Epoch, Observer
from recommender.training.fit import fit_arm
from recommender.training.inputs import make_inputs
from recommender.training.loop import threads
from recommender.training.prepare import Prepared, prepare

SIGNAL_SEED = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one fit. `probability`: (m) of the test samples, by history."""

    key: FitKey
    probability: Mapping[str, NDArray[np.float64]]
    epochs: list[dict[str, Any]]
    fit: dict[str, Any]
    lists: Mapping[str, NDArray[np.float64]]  # of each end user whose catalog was ranked; empty without --ranking


def run(
    study: Study,
    snapshot: KnowledgeSnapshot,
    *,
    encoder_name: str,
    opened: Callable[[dict[str, Any], Samples], Collection[FitKey]],
    store: Callable[[Outcome], None],
    observer: Observer,
) -> None:
    """Compute every fit that is not done and give each to `store` at once.

    `opened` is told what the figures stand on and says which fits are done. Raises CannotTrainError where the catalog,
    the knowledge file or the encoder will not do, and what the observer and the two callbacks raise.
    """
    recipe = study.config(study.backbones[0], study.arms[0], SIGNAL_SEED)
    prepared = prepare(
        snapshot,
        recipe,
        encoder_name=encoder_name,
        observer=observer,
        users=study.users,
        read_known=partial(_read_known, study),
    )
    done = opened(_facts(prepared, study), _tested(prepared))
    with threads(recipe.threads):
        for arm in study.arms:
            keys = [FitKey(backbone, arm, seed) for backbone in study.backbones for seed in range(1, study.seeds + 1)]
            if missing := [key for key in keys if key not in done]:
                for outcome in _of_arm(prepared, study, arm, missing, observer):
                    store(outcome)


def _of_arm(prepared: Prepared, study: Study, arm: str, keys: list[FitKey], observer: Observer) -> Iterator[Outcome]:
    observer.at(f"signals of the arm {arm}", 0, 1)
    recipe, model = study.config(study.backbones[0], arm, SIGNAL_SEED), WITH if ARMS[arm].source else WITHOUT
    with _stopwatch() as on_signals:
        inputs = make_inputs(prepared, recipe, model, histories=HISTORIES, alive=observer.alive)
        lists = None
        if study.ranking:
            lists = full_ranking.make_lists(
                inputs.refit or inputs, prepared.parts.test, most=study.ranking, alive=observer.alive
            )
    observer.at(f"signals of the arm {arm}", 1, 1)
    for key in keys:
        epochs = _Epochs(observer)
        with _stopwatch() as spent:
            fitted = fit_arm(
                prepared,
                study.config(key.backbone, arm, key.seed),
                model,
                model=f"{key.backbone}, arm {arm}, seed {key.seed}",
                inputs=inputs,
                observer=epochs,
            )
        told = fitted.fit.to_json() | {"spent": spent, "spent_on_signals": on_signals}
        if fitted.learned:
            told["statements"] = fitted.learned.to_json()
        if fitted.blended:
            told["llm_scores"] = fitted.blended.to_json()
        ranked: Mapping[str, NDArray[np.float64]] = {}
        if lists:
            fitted.read_texts(FROZEN)
            ranked = full_ranking.rank(fitted.backbone, lists, offset=fitted.offset, alive=observer.alive)
        yield Outcome(key, fitted.probability, epochs.seen, told, ranked)


def _read_known(study: Study, snapshot: KnowledgeSnapshot, interactions: Interactions) -> KnowledgeRows:
    """The texts that the study is about: of a file, of proposals, or of the snapshot."""
    if study.knowledge_file:
        return read_text_file(Path(study.knowledge_file), interactions)
    if study.proposals:
        return read_proposed_texts(snapshot.catalog, interactions, refinements=study.refinements)
    return read_texts(snapshot, interactions)


def _tested(prepared: Prepared) -> Samples:
    of, rows = prepared.interactions, prepared.parts.test
    fitted = trained_on(of, prepared.codes)
    masks = slices(of.end_user, of.item, fitted=fitted, rows=rows, items=len(of.items))
    return Samples(of.liked[rows], of.end_user[rows], masks)


def _facts(prepared: Prepared, study: Study) -> dict[str, Any]:
    """What the figures stand on; a study goes on only where these are the same."""
    digest = hashlib.sha256()
    for text in prepared.known.texts:
        drafts = [text.text_hash, *(text_hash for text_hash, _ in text.further)]
        digest.update(f"{text.kind} {text.subject} {text.as_of} {drafts}\n".encode())
        for one in text.opinions or ():  # people may have changed them since
            digest.update(f"{one.said.key} {one.said.polarity} {one.said.strength} {one.by_person}\n".encode())
    of = prepared.interactions
    return {
        "data": of.hash(),
        "knowledge": digest.hexdigest(),
        "texts": len(prepared.known.texts),
        **({"llm_scores": prepared.scores.told} if prepared.scores and SCORED in study.arms else {}),
        **({} if prepared.known.unreviewed is None else {"unreviewed": prepared.known.unreviewed}),
        "samples": describe(prepared.codes, of.end_user, of.liked, of.drawn),
        "torch": str(torch.__version__),
    }


@contextmanager
def _stopwatch() -> Iterator[dict[str, float]]:
    """Seconds, of the clock and of the processor, that this takes; there at its end."""
    spent: dict[str, float] = {}
    began, began_cpu = time.perf_counter(), time.process_time()
    yield spent
    spent["seconds"] = round(time.perf_counter() - began, 1)
    spent["cpu_seconds"] = round(time.process_time() - began_cpu, 1)


class _Epochs:
    """An observer that also keeps one fit's epochs."""

    def __init__(self, also: Observer) -> None:
        self.also = also
        self.seen: list[dict[str, Any]] = []

    def at(self, stage: str, done: int, of: int, note: str = "") -> None:
        self.also.at(stage, done, of, note)

    def alive(self) -> None:
        self.also.alive()

    def epoch(self, epoch: Epoch) -> None:
        self.seen.append(epoch.to_json())
        self.also.epoch(epoch)
