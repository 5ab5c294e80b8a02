import time

import pytest

from recommender import jobs
from recommender.evaluation import service as evaluation
from recommender.evaluation.arms import Study
from recommender.models import RunState, TrainingRun, VersionState
from recommender.recipe import TrainConfig
from recommender.training import service as training
from tests.recommender.training import synthetic

pytestmark = pytest.mark.django_db(transaction=True)


def wait_for(run, state, *, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        run.refresh_from_db()
        if run.state == state:
            return
        time.sleep(0.05)
    pytest.fail(f"{run} is {run.state}: {run.error}")


def test_a_requested_backbone_is_trained_by_the_worker(live_worker, settings, tiny_encoder, tmp_path):
    settings.ENCODER, settings.VAR_DIR = tiny_encoder, tmp_path
    catalog = synthetic.in_database()
    run = training.request_training(catalog, config=TrainConfig(epochs=1, history=5, embedding=4), activate=True)
    wait_for(run, RunState.DONE)
    live_worker.send_task(jobs.TRAIN_BACKBONE, kwargs={"run_id": run.pk}, queue="training")  # delivered twice
    live_worker.send_task(jobs.SWEEP_TRAINING, queue="llm")
    again = training.request_training(catalog, config=TrainConfig(epochs=1, history=5, embedding=4))
    wait_for(again, RunState.DONE)

    assert list(catalog.backbone_versions.order_by("number").values_list("number", "state")) == [
        (1, VersionState.ACTIVE),
        (2, VersionState.CANDIDATE),
    ]
    assert TrainingRun.objects.count() == 2


def test_a_requested_evaluation_is_carried_out_by_the_worker_once(live_worker, settings, tiny_encoder, tmp_path):
    settings.ENCODER, settings.VAR_DIR = tiny_encoder, tmp_path
    small = {"epochs": 1, "history": 5, "embedding": 4}
    study = Study(arms=("base",), seeds=2, settings=small)
    asked = evaluation.request_evaluation(synthetic.in_database(), study=study)
    live_worker.send_task(jobs.EVALUATE, kwargs={"evaluation_id": asked.pk}, queue="training")  # delivered twice
    wait_for(asked, RunState.DONE)

    assert list(asked.fits.order_by("pk").values_list("arm", "seed")) == [("base", 1), ("base", 2)]
