"""The jobs that train backbones. Each may arrive twice: a run's lease lets one worker at it."""

from celery import shared_task
from django.utils import timezone

from recommender import jobs
from recommender.services import training


@shared_task(name=jobs.TRAIN_BACKBONE)
def train_backbone(run_id: int) -> None:
    training.run(run_id)


@shared_task(name=jobs.SWEEP_TRAINING)
def sweep_training() -> None:
    training.sweep(timezone.now())
