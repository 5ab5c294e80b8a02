"""Template filters for evidence: ratings as stars, attributes and moments as words."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from django import template
from django.template.defaultfilters import floatformat

from recommender.grounding.orders import reads_like_order
from recommender.grounding.prose import has_prose, plain
from recommender.models import Round
from recommender.rounds.core.keywords import speaks_to_model
from recommender.rounds.core.prompts.evidence_lines import MAX_PROSE, shortened
from reviews.room.card import uses
from reviews.room.statements import Shown

register = template.Library()

_SINGLE = str.maketrans("“”", "‘’")
MOST_STARS = 5  # a longer scale is read better as a number


class Row(NamedTuple):
    """An interaction as the card shows it: all in words, since a card has dozens and templates are slow at deciding."""

    tone: str
    mark: str
    verdict: str
    title: str
    details: str
    reads_like_order: bool
    stars: str
    rating: str
    numbers: str = ""  # of the statements that it is evidence for or against


VERDICTS = {True: ("is-liked", "▲", "Liked"), False: ("is-disliked", "▼", "Disliked"), None: ("", "•", "Unknown")}


@register.filter
def rows(history: Iterable[Shown], rating_max: float) -> list[Row]:
    made = []
    for shown in history:
        met = shown.met
        row = _row(met.title, tuple(map(words, met.attributes.values())), met.rating, met.liked, rating_max)
        made.append(row._replace(numbers=shown.numbers) if shown.statements else row)
    return made


@lru_cache(maxsize=20_000)  # items come again from card to card
def _row(title: str, details: tuple[str, ...], rating: float | None, liked: bool | None, rating_max: float) -> Row:
    asks = any(map(reads_like_order, (title, *details)))
    said = "" if rating is None else str(floatformat(rating))
    return Row(*VERDICTS[liked], title, " · ".join(details), asks, stars(rating, rating_max), said)


@register.filter
def stars(rating: float | None, rating_max: float) -> str:
    """★★★★☆ for 4 of 5; nothing where the scale is longer than stars can show."""
    if rating is None or rating_max > MOST_STARS:
        return ""
    full = min(max(round(rating), 0), round(rating_max))
    return "★" * full + "☆" * (round(rating_max) - full)


@register.filter
def within_quotes(text: str) -> str:
    """Words that are shown in quotation marks: those that they have themselves become single ones."""
    return text.translate(_SINGLE)


@register.filter
def as_of(round_: Round) -> str:
    """Which ratings a round's text uses, in words; its catalog must be loaded."""
    return uses(round_)


@register.filter
def speaks_to_ai(value: Any) -> bool:
    """Whether an attribute's value, or a sentence of it, reads like an order to a model."""
    return speaks_to_model(value)


@register.filter
def is_prose(value: Any) -> bool:
    """Whether an attribute describes the item: a paragraph, no name."""
    return has_prose(value)


@register.filter
def shown(value: Any) -> str:
    """A description as prompts show it: plain, and no longer than there."""
    return shortened(plain(words(value)), MAX_PROSE)


@register.filter
def words(value: Any) -> str:
    """An attribute's value for people: a list joined by commas."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
