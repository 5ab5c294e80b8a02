"""The queues, the background jobs by name, and how to ask for one. Those of runs are named in runs.kinds.

Rows in the database are the truth; a message only nudges a worker. A contract test holds these names and the
registered Celery tasks equal.
"""

import logging
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from celery import current_app
from django.db import transaction
from kombu.exceptions import ChannelError, OperationalError

log = logging.getLogger(__name__)


class Queue(StrEnum):
    """Each has workers of its own: many waiting calls in one process, or one computation at a time."""

    LLM = "llm"
    TRAINING = "training"


class Job(NamedTuple):
    name: str
    queue: Queue


ADVANCE_ROUNDS = Job("rounds.advance", Queue.LLM)  # kwargs: round_ids: list[int]
SWEEP_ROUNDS = Job("rounds.sweep", Queue.LLM)  # no kwargs; every 30 s
READ_STATEMENTS = Job("statements.read", Queue.LLM)  # no kwargs; every 60 s
FIND_MEANINGS = Job("meanings.find", Queue.TRAINING)  # no kwargs; every 60 s
OPEN_DISPUTED = Job("disputes.open", Queue.LLM)  # no kwargs; when a text is disputed, and every 60 s
OPEN_SAID = Job("said.open", Queue.LLM)  # no kwargs; when a user says something that waits for a person, every 60 s
SWEEP_RUNS = Job("backbone.sweep", Queue.LLM)  # no kwargs; every 60 s
WATCH_MODELS = Job("models.watch", Queue.LLM)  # no kwargs; every 60 s
REBUILD_MODELS = Job("models.rebuild", Queue.LLM)  # no kwargs; every 60 s
CLEAR_ACCOUNTS = Job("accounts.clear", Queue.LLM)  # no kwargs; every hour
DELIVER_WEBHOOKS = Job("webhooks.deliver", Queue.LLM)  # no kwargs; when something happens, and every 10 s
CLEAR_OLD = Job("privacy.clear", Queue.LLM)  # no kwargs; every 10 minutes


def send(job: Job, **kwargs: object) -> None:
    """Send a job once the surrounding transaction commits; a broker that is down costs delay, never the work."""
    send_all(job, [kwargs])


def send_all(job: Job, each: Sequence[Mapping[str, object]]) -> None:
    """Send one job for each of these keyword arguments, as `send` does. The first that cannot be sent is the last
    one tried: with a broker that does not answer, every attempt takes a second or more."""

    def send_now() -> None:  # a partial has no name, which Django's robust callbacks want when they log
        _send_now(job, each)

    transaction.on_commit(send_now, robust=True)


def _send_now(job: Job, each: Sequence[Mapping[str, object]]) -> None:
    for sent, kwargs in enumerate(each):
        try:
            current_app.send_task(job.name, kwargs=dict(kwargs), queue=job.queue.value, ignore_result=True, retry=False)
        except OperationalError as error:
            unsent = len(each) - sent
            log.warning("The broker cannot be reached, so %d %s jobs wait for the sweep: %s", unsent, job.name, error)
            return


def waiting(queue: Queue) -> int:
    """How many messages wait in a queue, without those a worker holds; 0 where the broker cannot say."""
    try:
        with current_app.connection_for_read() as connection:
            channel: Any = connection.default_channel
            return int(channel.queue_declare(queue=queue.value, passive=True).message_count)
    except (ChannelError, OperationalError):
        return 0
