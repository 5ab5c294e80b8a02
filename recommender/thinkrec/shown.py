"""Items as ThinkRec's prompts show them: with the keywords that people approved, else with their attributes."""

from collections.abc import Sequence

from recommender.models import Catalog, Item
from recommender.rounds import approved
from recommender.rounds.evidence import shown_attributes
from recommender.thinkrec.prompts import Described, described

AT_ONCE = 5_000  # items of one query


def as_shown(items: Sequence[Item], catalog: Catalog, *, keywords: bool = True) -> dict[int, Described]:
    """By primary key; without `keywords` their titles alone."""
    if not keywords:
        return {item.pk: Described(item.title) for item in items}
    approved_for: dict[int, list[str]] = {}
    for first in range(0, len(items), AT_ONCE):
        approved_for |= approved.keywords_of([item.pk for item in items[first : first + AT_ONCE]])
    return {
        item.pk: described(item.title, shown_attributes(item, catalog), approved_for.get(item.pk, ())) for item in items
    }
