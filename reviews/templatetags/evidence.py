"""Template filters for evidence: ratings as stars, attributes and moments as words."""

from typing import Any

from django import template

from recommender.grounding.orders import reads_like_order
from recommender.models import Round
from recommender.rounds.core.types import Encounter
from reviews.room.card import ratings_up_to

register = template.Library()

MOST_STARS = 5  # a longer scale is read better as a number


@register.filter
def stars(rating: float | None, rating_max: float) -> str:
    """★★★★☆ for 4 of 5; nothing where the scale is longer than stars can show."""
    if rating is None or rating_max > MOST_STARS:
        return ""
    full = min(max(round(rating), 0), round(rating_max))
    return "★" * full + "☆" * (round(rating_max) - full)


@register.filter
def as_of(round_: Round) -> str:
    """Which ratings a round's text uses, in words; its catalog must be loaded."""
    return ratings_up_to(round_.as_of, round_.catalog)


@register.filter
def orders(shown: Encounter) -> bool:
    """Whether a title or an attribute speaks to a model, as if it were more than data."""
    return any(map(reads_like_order, (shown.title, *map(words, shown.attributes.values()))))


@register.filter
def words(value: Any) -> str:
    """An attribute's value for people: a list joined by commas."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
