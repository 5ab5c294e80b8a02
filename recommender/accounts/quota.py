"""How many requests a token may send in a minute. The broker's Redis counts, for all processes together.

Where it does not answer, each process counts alone: a list is worth more than an exact count. A token that has sent too
many is remembered until the minute is over, so that what it sends meanwhile costs no question to anything.
"""

import logging
import math
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from recommender.models import ApiToken

WINDOW = 60  # seconds
PATIENCE = 0.25  # seconds for the broker to answer
ASK_AGAIN = 5.0  # seconds to count alone after it did not

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Quota:
    """What a token may still send. `limit`: requests in a window of WINDOW seconds, the present one included;
    `used`: of them, the refused ones included; `resets_in`: seconds until the next window."""

    limit: int
    used: int
    resets_in: int

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def is_exceeded(self) -> bool:
        return self.used > self.limit


_spent: dict[str, tuple[int, int]] = {}  # by a token's digest: the window in which it sent too many, and its limit
_alone: Counter[tuple[int, int]] = Counter()  # requests by window and token, while nobody counts for all processes
_ask_again_at = 0.0


def spent(digest: str) -> Quota | None:
    """The quota of the token with this digest, if it is known to have sent too many."""
    window, resets_in = _window()
    known = _spent.get(digest)
    if known is None:
        return None
    if known[0] != window:
        _spent.pop(digest, None)
        return None
    return Quota(known[1], known[1] + 1, resets_in)


def count(token: ApiToken, requests: int = 1) -> Quota | None:
    """Count one request of this token, or what is worth several. None: it has no limit."""
    limit = settings.API_PER_MINUTE if token.per_minute is None else token.per_minute
    if not limit:
        return None
    window, resets_in = _window()
    quota = Quota(limit, _counted(token, window, requests), resets_in)
    if quota.is_exceeded:
        _spent[token.digest] = window, limit
    return quota


def _window() -> tuple[int, int]:
    """Its number, and the whole seconds that are left of it, at least one."""
    now = time.time()
    number = int(now // WINDOW)
    return number, math.ceil((number + 1) * WINDOW - now)


def _counted(token: ApiToken, window: int, requests: int) -> int:
    global _ask_again_at
    if time.monotonic() >= _ask_again_at:
        try:
            return _counted_for_all(token, window, requests)
        except (redis.RedisError, OSError) as error:
            _ask_again_at = time.monotonic() + ASK_AGAIN
            log.warning("The broker does not count API requests (%s): this process counts alone.", error)
    for key in [key for key in _alone if key[0] != window]:
        del _alone[key]
    _alone[window, token.pk] += requests
    return _alone[window, token.pk]


def _counted_for_all(token: ApiToken, window: int, requests: int) -> int:
    key = f"r4web:requests:{token.pk}:{window}"
    with _broker().pipeline(transaction=False) as pipeline:
        pipeline.incrby(key, requests)
        pipeline.expire(key, 2 * WINDOW)
        return int(pipeline.execute()[0])


@cache
def _broker() -> "redis.Redis":
    return redis.Redis.from_url(
        settings.REDIS_URL.replace("redis+socket://", "unix://"),
        retry=Retry(NoBackoff(), 1),  # once more on a new connection: the broker may have been started anew
        socket_connect_timeout=PATIENCE,
        socket_timeout=PATIENCE,
    )
