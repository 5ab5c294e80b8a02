"""When to ask again. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

UNDONE = frozenset({429, 503})  # nothing was done, and another try may better it
AGAIN = UNDONE | {500, 502, 504}  # so it may here, where doing it twice is no harm


@dataclass(frozen=True, slots=True)
class Retries:
    """`tries`: the first one included. `first`: seconds that the first wait takes at most; each later one twice that,
    `most` at most, and by chance anything from half of it. `patience`: seconds to wait in all, before the error is
    raised instead. A Retry-After is kept to whatever these say, unless it exceeds `patience`.
    """

    tries: int = 4
    first: float = 0.5
    most: float = 30.0
    patience: float = 120.0

    def wait(
        self,
        tried: int,
        waited: float,
        retry_after: float | None = None,
        *,
        chance: Callable[[], float] = random.random,
    ) -> float | None:
        """Seconds until the next try after `tried` tries and `waited` seconds of waiting; None: there is none."""
        if tried >= self.tries:
            return None
        backoff = min(self.most, self.first * 2 ** (tried - 1)) * (1 + chance()) / 2
        wait = backoff if retry_after is None else retry_after + backoff / 10  # not all callers at once
        return wait if waited + wait <= self.patience else None


NEVER = Retries(tries=1)


def may_better(status: int, retry_after: float | None, *, repeatable: bool) -> bool:
    """Whether another try may. A 409 without a Retry-After is no request under way: it stays so."""
    return status in (AGAIN if repeatable else UNDONE) or (status == 409 and retry_after is not None)


def seconds(retry_after: str | None, *, now: datetime | None = None) -> float | None:
    """A Retry-After in seconds (RFC 9110, 10.2.3); None where there is none that can be read."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
