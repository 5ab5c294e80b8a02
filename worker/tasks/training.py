"""The jobs that train, tune and evaluate. Each may arrive twice: a run's lease lets one worker at it."""

from celery import shared_task
from django.utils import timezone

from recommender import jobs
from recommender.evaluation import service as evaluation
from recommender.promotion import service as promotion
from recommender.training import service as training
from recommender.tuning import service as tuning_runs
from worker import tuning


@shared_task(name=jobs.TRAIN_BACKBONE)
def train_backbone(run_id: int) -> None:
    training.run(run_id)


@shared_task(name=jobs.EXAMINE_BACKBONE)
def examine_backbone(examination_id: int) -> None:
    promotion.run(examination_id)


@shared_task(name=jobs.TUNE_ADAPTER)
def tune_adapter(run_id: int) -> None:
    tuning.run(run_id)


@shared_task(name=jobs.EVALUATE)
def evaluate(evaluation_id: int) -> None:
    evaluation.run(evaluation_id)


@shared_task(name=jobs.SWEEP_TRAINING)
def sweep_training() -> None:
    training.sweep(timezone.now())
    promotion.sweep(timezone.now())
    tuning_runs.sweep(timezone.now())
    evaluation.sweep(timezone.now())
