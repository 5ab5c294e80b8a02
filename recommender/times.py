"""Times as programs read them: ISO 8601 in UTC, which ends in Z, as Django REST framework writes them too."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import overload


@overload
def written(at: datetime, *, timespec: str = "auto") -> str: ...
@overload
def written(at: datetime | None, *, timespec: str = "auto") -> str | None: ...
def written(at: datetime | None, *, timespec: str = "auto") -> str | None:
    """2026-03-01T12:00:00Z. `timespec`: as datetime.isoformat has it. None stays None."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


@lru_cache(maxsize=8192)  # lists name the same interactions again and again
def written_moment(moment: int, *, in_seconds: bool) -> str | None:
    """A moment of a catalog's clock in the same way; None where it counts no seconds, or the calendar ends before."""
    if not in_seconds:
        return None
    try:
        return written(datetime.fromtimestamp(moment, tz=UTC))
    except (OverflowError, ValueError, OSError):
        return None
