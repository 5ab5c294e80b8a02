"""Job names are sent from below and registered above: the two must be the same."""

from django.conf import settings

from r4web.celery import app
from recommender import jobs

NAMES = {value for name, value in vars(jobs).items() if name.isupper() and isinstance(value, str)}


def registered() -> set[str]:
    app.loader.import_default_modules()
    return {name for name in app.tasks if not name.startswith(("celery.", "tests."))}


def test_every_job_name_is_a_registered_task_and_every_task_has_a_name() -> None:
    assert registered() == NAMES


def test_every_job_has_a_queue_that_a_worker_serves() -> None:
    assert set(jobs.QUEUES) == NAMES
    assert set(jobs.QUEUES.values()) == {"llm", "training"}


def test_beat_sends_known_jobs_into_their_queues() -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert jobs.QUEUES[entry["task"]] == entry.get("options", {}).get("queue", settings.CELERY_TASK_DEFAULT_QUEUE)
