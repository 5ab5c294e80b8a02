"""What a page measures while somebody decides. It is told by browsers, so nothing depends on it being true."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime

DEVICES = ("phone", "tablet", "desktop")
WAYS = ("key", "mouse", "touch", "pen")
LONGEST = timedelta(days=30)  # since a card was made; what is older, or of the future, is wrong


@dataclass(frozen=True, slots=True)
class Measured:
    """See reviews.models.Attention, whose columns these are."""

    shown_at: datetime | None = None
    active_ms: int | None = None
    scrolled: int | None = None
    device: str = ""
    pressed: str = ""
    guideline: int | None = None


UNMEASURED = Measured()


def measured(data: Mapping[str, str]) -> Measured:
    """From a card's form. What cannot be is taken for not measured."""
    return Measured(
        shown_at=_moment(data.get("shown_at", "")),
        active_ms=_number(data.get("active_ms", ""), most=LONGEST // timedelta(milliseconds=1)),
        scrolled=_number(data.get("scrolled", ""), most=100),
        device=_one_of(DEVICES, data.get("device", "")),
        pressed=_one_of(WAYS, data.get("pressed", "")),
        guideline=_number(data.get("guideline", ""), most=2**31 - 1),
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    if moment is None or timezone.is_naive(moment):
        return None
    return moment if timedelta() <= timezone.now() - moment < LONGEST else None


def _number(text: str, *, most: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 and int(text) <= most else None


def _one_of(known: tuple[str, ...], text: str) -> str:
    return text if text in known else ""
