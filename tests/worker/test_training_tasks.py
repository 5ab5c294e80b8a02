import time

import pytest

from recommender import jobs
from recommender.evaluation.arms import Study
from recommender.models import RunState, TrainingRun, VersionState
from recommender.recipe import TrainConfig
from recommender.runs import service as runs
from recommender.runs.kinds import EVALUATION, TRAINING
from tests.recommender.training import synthetic

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


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
    config = TrainConfig(epochs=1, history=5, embedding=4).to_json()
    run = runs.request(TRAINING, catalog=catalog, config=config, activate=True)
    wait_for(run, RunState.DONE)
    live_worker.send_task(TRAINING.job.name, kwargs={"run_id": run.pk}, queue="training")  # delivered twice
    live_worker.send_task(jobs.SWEEP_RUNS.name, queue="llm")
    again = runs.request(TRAINING, catalog=catalog, config=config)
    wait_for(again, RunState.DONE)
    for one in (run, again):
        wait_for(one.version.examinations.get(), RunState.DONE)

    assert list(catalog.backbone_versions.order_by("number").values_list("number", "state")) == [
        (1, VersionState.ACTIVE),
        (2, VersionState.CANDIDATE),
    ]
    assert TrainingRun.objects.count() == 2


def test_a_requested_evaluation_is_carried_out_by_the_worker_once(live_worker, settings, tiny_encoder, tmp_path):
    settings.ENCODER, settings.VAR_DIR = tiny_encoder, tmp_path
    small = {"epochs": 1, "history": 5, "embedding": 4}
    study = Study(arms=("base",), seeds=2, settings=small)
    asked = runs.request(EVALUATION, catalog=synthetic.in_database(), config=study.to_json())
    live_worker.send_task(EVALUATION.job.name, kwargs={"evaluation_id": asked.pk}, queue="training")  # delivered twice
    wait_for(asked, RunState.DONE)

    assert list(asked.fits.order_by("pk").values_list("arm", "seed")) == [("base", 1), ("base", 2)]
