"""A version's gates are measured by a real worker, once, however often the job arrives."""

import time

import pytest

from recommender.models import Examination, RunState, VersionState
from recommender.promotion import service
from recommender.runs.kinds import EXAMINATION
from recommender.serving import catalog_index
from tests.recommender.promotion.made import real_version
from tests.recommender.training import synthetic


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_gates_asked_for_on_the_page_are_measured_by_the_worker(live_worker, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    settings.GATES = {**settings.GATES, "latency_ms": 60_000.0}
    catalog_index.KEPT.clear()
    version = real_version(synthetic.in_database())
    asked = service.request_examination(version, activate=True)
    live_worker.send_task(EXAMINATION.job.name, kwargs={"examination_id": asked.pk}, queue="training")
    deadline = time.monotonic() + 60
    while asked.state != RunState.DONE and time.monotonic() < deadline:
        time.sleep(0.05)
        asked.refresh_from_db()
    version.refresh_from_db()

    assert (asked.state, asked.error, version.state) == (RunState.DONE, "", VersionState.ACTIVE)
    assert Examination.objects.count() == version.activations.count() == 1
    catalog_index.KEPT.clear()
