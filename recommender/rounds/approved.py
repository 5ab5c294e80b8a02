"""Keywords and traces that people approved: which count now."""

from collections.abc import Collection

from django.db.models import F, QuerySet

from recommender.models import Catalog, Item, Strategy, Turn
from recommender.rounds.core import keywords


def texts(strategy: Strategy) -> QuerySet[Turn]:
    """The approved turns of rounds of this strategy."""
    return Turn.objects.filter(round__strategy=strategy, index=F("round__approved_index"))


def keywords_of(item_ids: Collection[int]) -> dict[int, list[str]]:
    """The approved keywords of items, by number; items without any are left out. One query."""
    of_items = texts(Strategy.KEYWORDS).filter(round__item_id__in=item_ids)
    found = of_items.values_list("round__item_id", "text")
    return {item_id: keywords.listed(text) for item_id, text in found if item_id is not None}


def items_matching(catalog: Catalog, text: str) -> QuerySet[Item]:
    """Items whose title, or one of whose approved keywords, holds this text."""
    of_catalog = Item.objects.filter(catalog=catalog)
    by_keyword = texts(Strategy.KEYWORDS).filter(round__catalog=catalog, text__icontains=text)
    return of_catalog.filter(title__icontains=text) | of_catalog.filter(pk__in=by_keyword.values("round__item_id"))
