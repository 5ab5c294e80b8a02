"""The names of all background jobs, and how to ask for one.

Rows in the database are the truth; a message only nudges a worker. A contract test holds these names and the
registered Celery tasks equal.
"""

import logging
from collections.abc import Mapping, Sequence

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

ADVANCE_ROUNDS = "rounds.advance"  # kwargs: round_ids: list[int]
SWEEP_ROUNDS = "rounds.sweep"  # no kwargs; every 30 s
TRAIN_BACKBONE = "backbone.train"  # kwargs: run_id: int
EXAMINE_BACKBONE = "backbone.examine"  # kwargs: examination_id: int
TUNE_ADAPTER = "adapter.tune"  # kwargs: run_id: int
EVALUATE = "catalog.evaluate"  # kwargs: evaluation_id: int
SWEEP_TRAINING = "backbone.sweep"  # no kwargs; every 60 s

QUEUES = {
    ADVANCE_ROUNDS: "llm",
    SWEEP_ROUNDS: "llm",
    TRAIN_BACKBONE: "training",
    EXAMINE_BACKBONE: "training",
    TUNE_ADAPTER: "training",
    EVALUATE: "training",
    SWEEP_TRAINING: "llm",
}


def send(name: str, **kwargs: object) -> None:
    """Send a job once the surrounding transaction commits; a broker that is down costs delay, never the work."""
    send_all(name, [kwargs])


def send_all(name: str, each: Sequence[Mapping[str, object]]) -> None:
    """Send one job for each of these keyword arguments, as `send` does. The first that cannot be sent is the last
    one tried: with a broker that does not answer, every attempt takes a second or more."""

    def send_now() -> None:  # a partial has no name, which Django's robust callbacks want when they log
        _send_now(name, each)

    transaction.on_commit(send_now, robust=True)


def _send_now(name: str, each: Sequence[Mapping[str, object]]) -> None:
    for sent, kwargs in enumerate(each):
        try:
            current_app.send_task(name, kwargs=dict(kwargs), queue=QUEUES[name], ignore_result=True, retry=False)
        except OperationalError as error:
            unsent = len(each) - sent
            log.warning("The broker cannot be reached, so %d %s jobs wait for the sweep: %s", unsent, name, error)
            return
