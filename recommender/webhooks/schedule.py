"""When a message is sent again, and for how long: the schedule that Standard Webhooks suggests. Pure."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MINUTE, HOUR = 60.0, 3600.0
# Seconds after the first, the second, … attempt that failed; after the tenth a message is given up, at the latest
# about four days after it was written.
DELAYS = (5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
ATTEMPTS = len(DELAYS) + 1
JITTER = 0.2  # so much longer, at most: what failed together does not come back together
LONGEST_RETRY_AFTER = 24 * HOUR


def delay(attempts: int, *, retry_after: float | None = None) -> float | None:
    """Seconds to wait after so many attempts that failed, never below what the receiver asked for; None: give it up."""
    if attempts >= ATTEMPTS:
        return None
    usual = DELAYS[attempts - 1]
    return max(usual, retry_after or 0.0) * random.uniform(1.0, 1.0 + JITTER)  # noqa: S311 - spreads the load


def retry_after_of(header: str | None, *, now: datetime) -> float | None:
    """Seconds that a header Retry-After asks for, at most LONGEST_RETRY_AFTER; None where it says nothing readable."""
    said = (header or "").strip()
    if said.isascii() and said.isdigit():
        return min(float(said[:9]), LONGEST_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return None
    seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
