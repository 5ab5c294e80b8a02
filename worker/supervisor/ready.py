"""Whether a started part answers."""

import http.client
from contextlib import closing, suppress

import redis
from celery import current_app
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

PATIENCE = 2.0  # seconds for one question


def broker_answers(url: str = "") -> bool:
    address = (url or settings.REDIS_URL).replace("redis+socket://", "unix://")
    client = redis.Redis.from_url(
        address, retry=Retry(NoBackoff(), 0), socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE
    )
    with suppress(redis.RedisError, OSError), client:
        return bool(client.ping())
    return False


def http_status(port: int, path: str) -> int:
    """The status that 127.0.0.1 answers, or 0 when nothing answers."""
    with (
        suppress(OSError, http.client.HTTPException),
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection,
    ):
        connection.request("GET", path, headers={"Host": "127.0.0.1"})
        return connection.getresponse().status
    return 0


def workers_answer(queues: set[str]) -> bool:
    """Whether every queue has a worker that answers."""
    answers = current_app.control.ping(timeout=0.5) or []
    return {name.partition("@")[0] for answer in answers for name in answer} >= queues
