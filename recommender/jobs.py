"""The names of all background jobs, and how to ask for one.

Rows in the database are the truth; a message only nudges a worker. A contract test holds these names and the
registered Celery tasks equal.
"""

from functools import partial

from celery import current_app
from django.db import transaction

ADVANCE_ROUNDS = "rounds.advance"  # kwargs: round_ids: list[int]
SWEEP_ROUNDS = "rounds.sweep"  # no kwargs; every 30 s
TRAIN_BACKBONE = "backbone.train"  # kwargs: run_id: int
SWEEP_TRAINING = "backbone.sweep"  # no kwargs; every 60 s

QUEUES = {
    ADVANCE_ROUNDS: "llm",
    SWEEP_ROUNDS: "llm",
    TRAIN_BACKBONE: "training",
    SWEEP_TRAINING: "llm",
}


def send(name: str, **kwargs: object) -> None:
    """Send a job once the surrounding transaction commits; a broker that is down costs delay, never the work."""
    transaction.on_commit(partial(_send_now, name, kwargs), robust=True)


def _send_now(name: str, kwargs: dict[str, object]) -> None:
    current_app.send_task(name, kwargs=kwargs, queue=QUEUES[name], ignore_result=True, retry=False)
