"""Evaluations: asked for by people, carried out by one worker at a time (runs.leases), resumed where they stopped."""

import logging
import math
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from recommender import jobs
from recommender.artifacts import files
from recommender.dataset.histories import FROZEN
from recommender.evaluation import storing
from recommender.evaluation.arms import Study
from recommender.evaluation.figures import ALL, FitKey, Key, Samples, draws_of, figures, of_lists
from recommender.knowledge.snapshots import encoder_key, freeze
from recommender.measures.bootstrap import Drawn
from recommender.models import Account, Catalog, Evaluation, EvaluationFit, RunState
from recommender.runs import leases
from recommender.runs.errors import CannotTrainError, StoppedError
from recommender.runs.recorder import LEASE, Recorder

if TYPE_CHECKING:
    from recommender.evaluation.fits import Outcome
    from recommender.runs.observer import Observer

logger = logging.getLogger(__name__)

SAME = ("data", "knowledge")  # facts that may not change between the fits of one evaluation


def request_evaluation(
    catalog: Catalog, *, study: Study, requested_by: Account | None = None, queue: bool = True
) -> Evaluation:
    """Ask for an evaluation. `queue`: send it to the training workers; else the caller carries it out with `run`."""
    asked = Evaluation.objects.create(catalog=catalog, config=study.to_json(), requested_by=requested_by)
    if queue:
        jobs.send(jobs.EVALUATE, evaluation_id=asked.pk)
    return asked


def resume(evaluation: Evaluation, *, queue: bool = True) -> None:
    """Let an evaluation go on with the fits it has. One that still runs elsewhere stops there and goes on here."""
    Evaluation.objects.filter(pk=evaluation.pk).update(
        state=RunState.WAITING, error="", progress={}, lease_token="", lease_expires_at=None, finished_at=None
    )
    if queue:
        jobs.send(jobs.EVALUATE, evaluation_id=evaluation.pk)


def run(evaluation_id: int, *, observer: "Observer | None" = None) -> None:
    """Carry an evaluation out, in the worker process. Its outcome, errors included, is in the row.

    Does nothing where another worker has it or it has ended.
    """
    claimed = leases.claim(Evaluation, evaluation_id, lease=LEASE)
    if claimed is None:
        return
    try:
        _carry_out(claimed, Recorder(claimed, observer))
        leases.finish(claimed)
    except StoppedError:
        logger.info("%s was cancelled or taken over", claimed)
    except CannotTrainError as error:
        leases.fail(claimed, str(error))
    except Exception as error:
        logger.exception("%s failed", claimed)
        leases.fail(claimed, f"The evaluation stopped at an unexpected error. {type(error).__name__}: {error}")


def sweep(now: datetime) -> list[int]:
    """Send again what got lost. Their ids."""
    lost = leases.lost(Evaluation, now)
    for evaluation_id in lost:
        jobs.send(jobs.EVALUATE, evaluation_id=evaluation_id)
    return lost


def _carry_out(evaluation: Evaluation, recorder: Recorder) -> None:
    from recommender.evaluation import fits  # noqa: PLC0415 - torch: in the worker only

    study = Study.from_json(evaluation.config)
    if evaluation.snapshot is None:
        evaluation.snapshot = freeze(evaluation.catalog, encoder=settings.ENCODER)
        _update(evaluation, snapshot=evaluation.snapshot)
    if evaluation.snapshot.encoder != encoder_key(settings.ENCODER):
        raise CannotTrainError(
            f"This evaluation began with the knowledge encoder {evaluation.snapshot.encoder}; R4_ENCODER now names "
            "another one. Start a new evaluation."
        )
    keeper = Keeper(evaluation, recorder, of_fits=len(study.backbones) * len(study.arms) * study.seeds)
    fits.run(
        study,
        evaluation.snapshot,
        encoder_name=settings.ENCODER,
        opened=keeper.open,
        store=keeper.store,
        observer=recorder,
    )


class Keeper:
    """Stores each fit when it is done: its files first, then its row and everybody's figures in one transaction."""

    def __init__(self, evaluation: Evaluation, recorder: Recorder, *, of_fits: int) -> None:
        self.evaluation, self.recorder, self.of_fits = evaluation, recorder, of_fits
        self.folder = files.folder_of_evaluation(evaluation)
        self.drawn: dict[FitKey, dict[Key, Drawn]] = {}

    def open(self, facts: dict[str, Any], tested: Samples) -> Collection[FitKey]:
        """Raises CannotTrainError where the fits that are done stand on something else."""
        before = self.evaluation.facts
        if any(before.get(name, facts[name]) != facts[name] for name in SAME):
            raise CannotTrainError(
                "The catalog or the knowledge changed since this evaluation began, so that its fits no longer compare. "
                "Start a new one."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        storing.save_tested(self.folder, tested)
        self.tested, self.evaluation.facts = tested, before or facts
        for row in self.evaluation.fits.order_by("pk"):
            fit = FitKey(row.backbone, row.arm, row.seed)
            try:
                self.drawn[fit] = storing.load_draws(self.folder, fit)
            except FileNotFoundError:
                row.delete()  # its files were removed: fitted again
        _update(self.evaluation, facts=self.evaluation.facts, progress=self._counted())
        return set(self.drawn)

    def store(self, outcome: "Outcome") -> None:
        """Raises StoppedError, with no row stored, when the evaluation is no longer ours."""
        fit = outcome.key
        self.recorder.alive()
        drawn = draws_of(self.tested, outcome.probability) | of_lists(FROZEN, outcome.lists)
        storing.save_fit(self.folder, fit, outcome.probability, drawn)
        self.drawn[fit] = drawn
        found = figures(self.drawn, self.tested.counts())
        with transaction.atomic():
            _update(self.evaluation, figures=found, progress=self._counted())
            EvaluationFit.objects.create(
                evaluation=self.evaluation,
                backbone=fit.backbone,
                arm=fit.arm,
                seed=fit.seed,
                scores=_scores(drawn),
                epochs=outcome.epochs,
                fit=outcome.fit,
            )

    def _counted(self) -> dict[str, Any]:
        """A fit that is done starts the count of attempts, and the list of epochs, anew."""
        self.recorder.progress.update(fits=len(self.drawn), of_fits=self.of_fits, epochs=[], attempt=0)
        return self.recorder.progress


def _update(evaluation: Evaluation, **values: Any) -> None:
    mine: QuerySet[Evaluation] = leases.mine(evaluation)
    if not mine.update(**values):
        raise StoppedError


def _scores(drawn: dict[Key, Drawn]) -> dict[str, dict[str, float]]:
    """By history, then metric; what is undefined is left out."""
    found: dict[str, dict[str, float]] = {}
    for key, one in drawn.items():
        if key.slice == ALL and not math.isnan(one.estimate):
            found.setdefault(key.history, {})[key.metric] = one.estimate
    return found
