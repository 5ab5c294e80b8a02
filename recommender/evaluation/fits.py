"""The fits of an evaluation: every arm with every backbone and seed, all on the same rows.

What no fit changes is done once: reading, splitting, encoding, and for each arm the signals. Those are fitted from one
seed for all fits, so that seeds differ in the backbones alone. The same seed starts and shuffles every arm alike.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recommender.dataset.examples import Examples, build
from recommender.dataset.interactions import Interactions, read_interactions
from recommender.dataset.low_activity import use_items
from recommender.dataset.split import PARTS, TEST, Codes, describe, split
from recommender.dataset.text_file import read_text_file
from recommender.dataset.texts import KnowledgeRows, read_proposed_texts, read_texts
from recommender.evaluation import full_ranking
from recommender.evaluation.arms import ARMS, Study
from recommender.evaluation.figures import FROZEN, HISTORIES, STREAMING, Fitted, Samples
from recommender.knowledge import encoder
from recommender.measures.slices import slices
from recommender.models import Clock, KnowledgeSnapshot
from recommender.recipe import SIGNALS, TrainConfig
from recommender.runs.observer import Epoch, Observer
from recommender.signals import controls, fitting, statement_texts
from recommender.signals.spaces import Space
from recommender.signals.statement_match import Claims
from recommender.signals.tables import Tables
from recommender.training.loop import Parts, predict, threads
from recommender.training.pipeline import demographics_of, fit_one

SIGNAL_SEED = 1
USERS_SEED = 0  # draws the share of end users


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one fit. `probability`: (m) of the test samples, by history."""

    fitted: Fitted
    probability: Mapping[str, NDArray[np.float64]]
    epochs: list[dict[str, Any]]
    fit: dict[str, Any]
    lists: Mapping[str, NDArray[np.float64]]  # of each end user whose catalog was ranked; empty without --ranking


@dataclass(frozen=True, slots=True)
class Bench:
    """What all fits share."""

    study: Study
    interactions: Interactions
    codes: Codes
    known: KnowledgeRows
    vectors: NDArray[np.float32]
    sentences: Space | None  # of the metadata texts, where the study has them
    encode: controls.Encode
    unreviewed: int | None = None  # of proposals: how many of the texts nobody approved
    tables: dict[tuple[bool, ...], Tables | None] = field(default_factory=dict)  # kept, without knowledge
    uninformed: dict[tuple[bool, ...], dict[str, NDArray[np.float32]]] = field(default_factory=dict)  # signals kept

    @property
    def parts(self) -> Parts:
        return Parts(**{name: np.flatnonzero(self.codes == code) for name, code in PARTS.items()})

    def tested(self) -> Samples:
        of, rows = self.interactions, self.parts.test
        fitted = fitting.trained_on(of, self.codes)
        masks = slices(of.end_user, of.item, fitted=fitted, rows=rows, items=len(of.items))
        return Samples(of.liked[rows], of.end_user[rows], masks)

    def facts(self) -> dict[str, Any]:
        """What the figures stand on; a study goes on only where these are the same."""
        digest = hashlib.sha256()
        for text in self.known.texts:
            drafts = [text.text_hash, *(text_hash for text_hash, _ in text.further)]
            digest.update(f"{text.kind} {text.subject} {text.as_of} {drafts}\n".encode())
        return {
            "data": self.interactions.hash(),
            "knowledge": digest.hexdigest(),
            "texts": len(self.known.texts),
            **({} if self.unreviewed is None else {"unreviewed": self.unreviewed}),
            "samples": describe(self.codes, self.interactions.end_user, self.interactions.liked),
            "torch": str(torch.__version__),
        }


def run(
    study: Study,
    snapshot: KnowledgeSnapshot,
    *,
    encoder_name: str,
    opened: Callable[[dict[str, Any], Samples], Collection[Fitted]],
    store: Callable[[Outcome], None],
    observer: Observer,
) -> None:
    """Compute every fit that is not done and give each to `store` at once.

    `opened` is told what the figures stand on and says which fits are done. Raises CannotTrainError where the catalog,
    the knowledge file or the encoder will not do, and what the observer and the two callbacks raise.
    """
    bench = prepare(study, snapshot, encoder_name=encoder_name, observer=observer)
    done = opened(bench.facts(), bench.tested())
    config = study.config(study.backbones[0], study.arms[0], SIGNAL_SEED)
    with threads(config.threads):
        for arm in study.arms:
            todo = [
                fitted
                for backbone in study.backbones
                for seed in range(1, study.seeds + 1)
                if (fitted := Fitted(backbone, arm, seed)) not in done
            ]
            if todo:
                for outcome in _of_arm(bench, arm, todo, observer):
                    store(outcome)


def prepare(study: Study, snapshot: KnowledgeSnapshot, *, encoder_name: str, observer: Observer) -> Bench:
    """Read, split and encode, once. Raises CannotTrainError."""
    observer.at("reading", 0, 1)
    config = study.config(study.backbones[0], study.arms[0], SIGNAL_SEED)
    interactions = some_end_users(read_interactions(snapshot.catalog), study.users)
    codes = split(
        config.split,
        interactions.end_user,
        interactions.liked,
        moment=interactions.moment,
        only_order=snapshot.catalog.clock == Clock.ORDER,
        fold=config.fold,
    )
    unreviewed = None
    if study.knowledge_file:
        known = read_text_file(Path(study.knowledge_file), interactions)
    elif study.proposals:
        known, unreviewed = read_proposed_texts(snapshot.catalog, interactions, refinements=study.refinements)
    else:
        known = read_texts(snapshot, interactions)
    observer.at("reading", 1, 1)
    encode = partial(encoder.vectors, name=encoder_name, key=snapshot.encoder, done=partial(observer.at, "encoding"))
    vectors = known.matrix(encode(known.to_encode()))
    sentences = controls.metadata_space(interactions, encode) if _anywhere(study, "metadata_text") else None
    return Bench(study, interactions, codes, known, vectors, sentences, encode, unreviewed=unreviewed)


def some_end_users(interactions: Interactions, share: float) -> Interactions:
    """The interactions of that share of the end users, drawn at random; everybody keeps their number."""
    if share == 1:
        return interactions
    count = len(interactions.end_users)
    kept = np.zeros(count, dtype=bool)
    kept[np.random.default_rng(USERS_SEED).permutation(count)[: max(1, round(share * count))]] = True
    rows = kept[interactions.end_user]
    return replace(
        interactions,
        **{
            name: getattr(interactions, name)[rows]
            for name in ("keys", "end_user", "item", "moment", "liked", "feedback")
        },
    )


def frozen(interactions: Interactions, codes: Codes) -> Interactions:
    """The interactions as they are known at each end user's first tested one: all later ones are of its moment.

    Of one moment nothing is history of anything else, and knowledge of after it is not known.
    """
    first = np.full(len(interactions.end_users), len(interactions), dtype=np.int64)
    rows = np.flatnonzero(codes == TEST)
    np.minimum.at(first, interactions.end_user[rows], rows)
    cut = first[interactions.end_user]
    moment = np.where(
        np.arange(len(interactions)) >= cut, interactions.moment[np.minimum(cut, len(cut) - 1)], interactions.moment
    )
    return replace(interactions, moment=moment)


def _of_arm(bench: Bench, arm: str, todo: list[Fitted], observer: Observer) -> Iterator[Outcome]:
    study = bench.study
    config = study.config(study.backbones[0], arm, SIGNAL_SEED)
    began, began_cpu = time.perf_counter(), time.process_time()
    observer.at(f"signals of the arm {arm}", 0, 1)
    vectors = None
    if ARMS[arm].source and bench.known.texts:
        vectors = controls.stand_in(
            config.knowledge_source, bench.known, bench.vectors, bench.interactions, bench.codes, bench.encode
        )
    known = _known(bench, config, informed=vectors is not None)
    examples, tables, claimed = _examples(bench, config, known, vectors, observer)
    asked = None
    if study.ranking:
        asked = full_ranking.prepare(
            examples[FROZEN],
            bench.parts.test,
            known[FROZEN],
            tables,
            _uninformed_tables(bench, config, observer) if vectors is not None else None,
            claims=claimed,
            most=study.ranking,
            alive=observer.alive,
        )
    observer.at(f"signals of the arm {arm}", 1, 1)
    shared = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - began_cpu}
    for fitted in todo:
        began, began_cpu = time.perf_counter(), time.process_time()
        own = study.config(fitted.backbone, arm, fitted.seed)
        watching = _Epochs(observer)
        fit, backbone = fit_one(
            examples[STREAMING],
            bench.parts,
            bench.codes,
            known[STREAMING].with_sets(vectors) if vectors is not None and own.knowledge_field else None,
            own,
            model=f"{fitted.backbone}, arm {arm}, seed {fitted.seed}",
            observer=watching,
        )
        found = {}
        for history, rows in examples.items():
            if backbone.knowledge is not None and vectors is not None:
                backbone.knowledge.read(torch.from_numpy(known[history].with_sets(vectors)))
            found[history] = predict(backbone, rows, bench.parts.test, observer=observer)
        spent = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - began_cpu}
        lists = full_ranking.rank(backbone, asked, alive=observer.alive) if asked else {}
        yield Outcome(
            fitted,
            found,
            watching.seen,
            fit.to_json() | {"spent": _rounded(spent), "spent_on_signals": _rounded(shared)},
            lists,
        )


def _rounded(spent: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 1) for name, value in spent.items()}


def _rows(bench: Bench) -> dict[str, Interactions]:
    return {STREAMING: bench.interactions, FROZEN: frozen(bench.interactions, bench.codes)}


def _known(bench: Bench, config: TrainConfig, *, informed: bool) -> dict[str, KnowledgeRows]:
    """The knowledge of an arm by history: low-activity end users have items' texts by what they met until then."""
    known = bench.known if informed else KnowledgeRows([])
    if config.low_activity != "items":
        return dict.fromkeys(HISTORIES, known)
    return {history: use_items(known, rows, below=config.low_activity_below) for history, rows in _rows(bench).items()}


def _examples(
    bench: Bench,
    config: TrainConfig,
    knows: Mapping[str, KnowledgeRows],
    vectors: NDArray[np.float32] | None,
    observer: Observer,
) -> tuple[dict[str, Examples], Tables | None, Claims | None]:
    """The rows of an arm by history, each with its signals; and what the signals come from."""
    known = knows[STREAMING]
    demographics = demographics_of(bench.interactions, bench.codes) if config.demographics else None
    bare = {
        history: build(rows, knows[history], history=config.history, demographics=demographics)
        for history, rows in _rows(bench).items()
    }
    if vectors is None:
        return _without(bench, config, bare, observer), _uninformed_tables(bench, config, observer), None
    if config.knowledge_signal:
        space = controls.knowledge_space(config, known, vectors, bench.interactions, bench.codes)
        tables = fitting.fit(
            bench.interactions,
            bench.codes,
            config,
            metadata_text=bench.sentences,
            knowledge=space,
            alive=observer.alive,
        )
        joined = _joined(bench, config, bare, known, tables, observer)
    else:
        joined, tables = _without(bench, config, bare, observer), _uninformed_tables(bench, config, observer)
    meeting = statement_texts.prepare(config, known, vectors, bench.interactions, bench.encode)
    claimed = statement_texts.fit(meeting, known, joined[STREAMING], bench.codes)
    return {history: statement_texts.join(rows, claimed) for history, rows in joined.items()}, tables, claimed


def _joined(
    bench: Bench,
    config: TrainConfig,
    bare: Mapping[str, Examples],
    known: KnowledgeRows,
    tables: Tables | None,
    observer: Observer,
) -> dict[str, Examples]:
    """The rows with their signals and, where they must not see their item's text, those without knowledge."""
    denied = {history: fitting.denied(bare[history], known) for history in HISTORIES}
    hidden = any(of.any() for of in denied.values())
    without = _without(bench, config, bare, observer) if hidden else {}
    return {
        history: fitting.join(
            bare[history], tables, denied=denied[history], instead=without.get(history), alive=observer.alive
        )
        for history in HISTORIES
    }


def _without(
    bench: Bench, config: TrainConfig, bare: Mapping[str, Examples], observer: Observer
) -> dict[str, Examples]:
    read = _uninformed(bench, config, bare, observer)
    return {history: replace(bare[history], signals=read[history]) for history in HISTORIES}


def _switches(config: TrainConfig) -> tuple[bool, ...]:
    """What decides the signals without knowledge."""
    return tuple(bool(getattr(config, name)) for name in (*SIGNALS, "metadata_text"))


def _uninformed_tables(bench: Bench, config: TrainConfig, observer: Observer) -> Tables | None:
    """The tables without knowledge, fitted once for all arms that have the same."""
    if (switches := _switches(config)) not in bench.tables:
        bench.tables[switches] = fitting.fit(
            bench.interactions, bench.codes, config, metadata_text=bench.sentences, alive=observer.alive
        )
    return bench.tables[switches]


def _uninformed(
    bench: Bench, config: TrainConfig, bare: Mapping[str, Examples], observer: Observer
) -> dict[str, NDArray[np.float32]]:
    """Signals without knowledge (n, S) by history, computed once for all arms that read the same ones."""
    if (switches := _switches(config)) not in bench.uninformed:
        tables = _uninformed_tables(bench, config, observer)
        bench.uninformed[switches] = {
            history: fitting.join(bare[history], tables, alive=observer.alive).signals for history in HISTORIES
        }
    return bench.uninformed[switches]


def _anywhere(study: Study, switch: str) -> bool:
    return any(getattr(study.config(study.backbones[0], arm, SIGNAL_SEED), switch) for arm in study.arms)


class _Epochs:
    """An observer that also keeps one fit's epochs."""

    def __init__(self, also: Observer) -> None:
        self.also = also
        self.seen: list[dict[str, Any]] = []

    def at(self, stage: str, done: int, of: int) -> None:
        self.also.at(stage, done, of)

    def alive(self) -> None:
        self.also.alive()

    def epoch(self, epoch: Epoch) -> None:
        self.seen.append(epoch.to_json())
        self.also.epoch(epoch)
