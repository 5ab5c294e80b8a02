"""How an evaluation is carried out: fit by fit, each stored at once, so that it goes on where it stopped."""

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from recommender.artifacts import files
from recommender.dataset.histories import FROZEN
from recommender.evaluation import storing
from recommender.evaluation.arms import Study
from recommender.evaluation.figures import ALL, FitKey, Key, Samples, draws_of, figures, of_lists
from recommender.knowledge.snapshots import encoder_key, freeze
from recommender.measures.bootstrap import Drawn
from recommender.models import Evaluation, EvaluationFit
from recommender.recipe import require_order
from recommender.runs import leases
from recommender.runs.errors import CannotTrainError
from recommender.runs.recorder import Recorder

if TYPE_CHECKING:
    from recommender.evaluation.fits import Outcome

SAME = ("data", "knowledge", "llm_scores")  # facts that may not change between the fits of one evaluation


def carry_out(evaluation: Evaluation, recorder: Recorder) -> None:
    """Compute the fits that are not done yet, and store each with everybody's figures when it is done."""
    from recommender.evaluation import fits  # noqa: PLC0415 - torch: in the worker only

    study = Study.from_json(evaluation.config)
    require_order(study.backbones, evaluation.catalog.clock)
    if evaluation.snapshot is None:
        evaluation.snapshot = freeze(evaluation.catalog, encoder=settings.ENCODER)
        leases.update(evaluation, snapshot=evaluation.snapshot)
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
    leases.finish(evaluation)


class Keeper:
    """Stores each fit when it is done: its files first, then its row and everybody's figures in one transaction."""

    def __init__(self, evaluation: Evaluation, recorder: Recorder, *, of_fits: int) -> None:
        self.evaluation, self.recorder, self.of_fits = evaluation, recorder, of_fits
        self.folder = files.folder_of_evaluation(evaluation)
        self.drawn: dict[FitKey, dict[Key, Drawn]] = {}

    def open(self, facts: dict[str, Any], tested: Samples) -> Collection[FitKey]:
        """Raises CannotTrainError where the fits that are done stand on something else."""
        before = self.evaluation.facts
        if any(before.get(name, facts.get(name)) != facts.get(name) for name in SAME):
            raise CannotTrainError(
                "The catalog, the knowledge or an LLM's answers changed since this evaluation began, so that its fits "
                "no longer compare. Start a new one."
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
        leases.update(self.evaluation, facts=self.evaluation.facts, progress=self._counted())
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
            leases.update(self.evaluation, figures=found, progress=self._counted())
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


def _scores(drawn: dict[Key, Drawn]) -> dict[str, dict[str, float]]:
    """By history, then metric; what is undefined is left out."""
    found: dict[str, dict[str, float]] = {}
    for key, one in drawn.items():
        if key.slice == ALL and not math.isnan(one.estimate):
            found.setdefault(key.history, {})[key.metric] = one.estimate
    return found
