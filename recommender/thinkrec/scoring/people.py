"""What a prompt shows about an end user and about items, read from the database."""

from collections.abc import Collection, Iterable, Mapping

from recommender.models import Catalog, EndUser, Item, Knowledge
from recommender.rounds.evidence import shown_attributes
from recommender.thinkrec.scoring.prompts import LONGEST_HISTORY, Described, Past, Person, described

History = Iterable[tuple[int, bool | None]]  # primary key of an item, whether it was liked; oldest first


def shown(history: History) -> list[tuple[int, bool]]:
    """What of a history a prompt shows: the last of it that are known to be liked or not."""
    return [(pk, liked) for pk, liked in history if liked is not None][-LONGEST_HISTORY:]


def person(catalog: Catalog, history: History, items: Mapping[int, Described], *, preference: str = "") -> Person:
    """An end user of this history. `items`: those of it that are shown, by primary key; others are left out."""
    past = tuple(Past(items[pk], liked) for pk, liked in shown(history) if pk in items)
    return Person(catalog.item_noun, past, preference=preference, ordered=catalog.ordered)


def items_of(catalog: Catalog, pks: Collection[int]) -> dict[int, Described]:
    """Items as prompts show them, by primary key."""
    found = Item.objects.filter(catalog=catalog).in_bulk(list(set(pks)))
    return {pk: described(item.title, shown_attributes(item, catalog)) for pk, item in found.items()}


def preference_of(end_user: EndUser) -> Knowledge | None:
    """The text about the end user that is in force now."""
    return Knowledge.objects.filter(end_user=end_user, item=None, in_force=True).order_by("as_of").last()
