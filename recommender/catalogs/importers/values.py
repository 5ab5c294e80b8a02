"""Read single values from text: every mistake is a reason that a report can group and count."""

import hashlib
import json
import math
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

LONGEST_ID = 128  # characters: EndUser.external_id and Item.external_id
LONGEST_TITLE = 500  # characters: Item.title
LARGEST_MOMENT = 2**63 - 1
# A "seconds" value above this is after the year 5138: it counts milliseconds.
LARGEST_SECONDS = 100_000_000_000
LONGEST_TIME = len("2023-11-14T22:13:20.000000+01:00:00.000000")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
_JOINERS = re.compile("[\u200c\u200d]")  # parts of emoji, and of words in Persian and Hindi
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}\Z")
_DIGITS = re.compile(r"(?:19|20)[0-9]{6}(?:[0-9]{6})?")
_ZONE = re.compile(r"\s+(?:UTC|GMT|Z)\Z", re.IGNORECASE)
_LABELS: dict[str, int | None] = {
    "1": 1,
    "1.0": 1,
    "true": 1,
    "0": 0,
    "0.0": 0,
    "false": 0,
    "-1": None,  # unknown
    "-1.0": None,
}


class _Unreadable:
    """What stands in a file where Python has no value for it."""

    def __str__(self) -> str:
        return "(not readable)"


UNREADABLE = _Unreadable()


class BadValueError(ValueError):
    """`reason`: what is wrong with a row, in words that are equal for equal mistakes. `found`: what stood there."""

    def __init__(self, reason: str, found: object = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.found = found


def identifier(raw: object, what: str) -> str:
    """An end user's or item's id as text. Whole numbers that pandas turned into 17.0 are read as 17."""
    if isinstance(raw, float | Decimal) and math.isfinite(raw) and raw == int(raw):
        raw = int(raw)
    elif isinstance(raw, Decimal | UUID):
        raw = str(raw)
    elif raw is UNREADABLE:
        raise BadValueError(f"{what} id that cannot be read")
    elif raw.__class__ is not str and raw.__class__ is not int:
        raise BadValueError(f"no {what} id", "" if raw is None else raw)
    text = str(raw).strip()
    if not text:
        raise BadValueError(f"no {what} id")
    if len(text) > LONGEST_ID:
        raise BadValueError(f"{what} id longer than {LONGEST_ID} characters", text)
    if not text.isprintable() and not _JOINERS.sub("", text).isprintable():
        raise BadValueError(f"{what} id with unreadable characters", text)
    return text


class Ratings(dict[str, float]):
    """Text → rating on a catalog's scale, remembering what it has read: a file holds few different ratings."""

    def __init__(self, smallest: float, largest: float) -> None:
        super().__init__()
        self.smallest, self.largest = smallest, largest

    def __missing__(self, raw: str) -> float:
        try:
            rating = float(raw)
        except ValueError:
            raise BadValueError("no rating" if not raw.strip() else "rating is not a number", raw) from None
        if not self.smallest <= rating <= self.largest:  # also catches nan
            raise BadValueError(f"rating outside the scale {self.smallest:g} to {self.largest:g}", raw)
        if len(self) < 10_000:
            self[raw] = rating
        return rating


def label(raw: object) -> int | None:
    """1 liked, 0 not liked, -1 unknown (None)."""
    try:
        return _LABELS[str(raw).strip().lower()]
    except KeyError:
        raise BadValueError("label is not 0, 1 or -1 (unknown)", raw) from None


def seconds(raw: Any) -> int:
    """Unix seconds from a number of seconds, an ISO 8601 date or time (UTC unless it says otherwise), or a datetime.

    A time may end in " UTC" (BigQuery), and a date be written in digits alone.
    """
    moment: int
    if raw is UNREADABLE:
        raise BadValueError("timestamp too far off to be told")
    try:
        moment = int(raw)
    except (ValueError, TypeError, OverflowError):
        moment = _seconds_of_other(raw)
    else:
        if written := _DIGITS.fullmatch(str(moment)):
            moment = _seconds_of_digits(written[0], moment)
    if not -LARGEST_SECONDS < moment < LARGEST_SECONDS:
        raise BadValueError("timestamp is not in seconds (milliseconds? then map timestamp_ms)", raw)
    return moment


def _seconds_of_digits(digits: str, number: int) -> int:
    """20191001 and 20191001123000 are dates: as seconds they would be in 1970, or far off. Other numbers stay."""
    try:
        when = datetime.strptime(digits, "%Y%m%d" if len(digits) == 8 else "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return number
    return int(when.timestamp())


def milliseconds(raw: Any) -> int:
    """Unix milliseconds → Unix seconds, rounded down."""
    return seconds(order(raw, what="timestamp") // 1000)


def order(raw: Any, *, what: str = "order") -> int:
    """A whole number that only orders an end user's interactions."""
    moment: int
    try:
        moment = int(raw)
    except (ValueError, TypeError, OverflowError):
        number = _float(raw)
        if not number.is_integer():
            raise BadValueError(f"{what} is not a whole number", raw) from None
        moment = int(number)
    if abs(moment) > LARGEST_MOMENT:
        raise BadValueError(f"{what} is too large", raw)
    return moment


def by_chance(end_user: str, item: str) -> int:
    """A place in a history of which no order is known: by chance, the same at every import, from 0 to 2³² - 1."""
    return int.from_bytes(hashlib.blake2b(f"{end_user}\n{item}".encode(), digest_size=4).digest())


def _float(raw: object) -> float:
    try:
        return float(raw)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        return math.nan


def _seconds_of_other(raw: object) -> int:
    if isinstance(raw, date):
        when: date = raw
    else:
        number = _float(raw)
        if math.isfinite(number):
            return math.floor(number)
        text = _ZONE.sub("+00:00", str(raw).strip())
        try:
            # fromisoformat reads endless digits as fractions of a second.
            when = datetime.fromisoformat(text if len(text) <= LONGEST_TIME else "")
        except ValueError:
            raise BadValueError("timestamp is neither Unix seconds nor an ISO 8601 time", raw) from None
    if not isinstance(when, datetime):
        when = datetime(when.year, when.month, when.day, tzinfo=UTC)
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return math.floor(when.timestamp())


def clean(text: str) -> str:
    """Text without control characters, halves of surrogate pairs and outer blanks: what every database can hold."""
    return _CONTROL.sub(" ", text).strip()


def title(raw: object) -> str:
    """An item's title. Longer ones are cut to what the column holds."""
    text = clean("" if raw is None or raw is UNREADABLE else str(raw))
    if not text:
        raise BadValueError("no title")
    return text if len(text) <= LONGEST_TITLE else text[: LONGEST_TITLE - 1] + "…"


def number_or_text(text: str) -> str | int | float:
    """CSV has only text: "1979" is the number 1979, "02139" and "1e5" stay text."""
    if _WHOLE.match(text):
        return int(text)
    return float(text) if _DECIMAL.match(text) else text


def attributes(pairs: Iterable[tuple[str, Any]]) -> str:
    """Attributes as the JSON text that is stored: text, numbers and lists of text. Empty values and nested objects are
    left out."""
    kept: dict[str, Any] = {}
    for name, raw in pairs:
        key, value = clean(str(name)), _attribute(raw)
        if key and value not in (None, "", []):
            kept[key] = value
    return json.dumps(kept)


def _attribute(raw: Any) -> str | int | float | list[str] | None:
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, Decimal):
        raw = int(raw) if raw.is_finite() and raw == int(raw) else float(raw)
    if isinstance(raw, str):
        return clean(raw)
    if isinstance(raw, int) or (isinstance(raw, float) and math.isfinite(raw)):
        return raw
    if isinstance(raw, date):
        return raw.isoformat()
    if isinstance(raw, list | tuple):
        return [text for text in (clean(str(part)) for part in raw if isinstance(part, str | int | float)) if text]
    return None
