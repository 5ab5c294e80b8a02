"""What a prompt shows about an end user and about items, read from the database."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from recommender.llm.types import Prompt
from recommender.models import Catalog, EndUser, Item, Knowledge
from recommender.thinkrec.prompts import LONGEST_HISTORY, Described, Past, Person, Question, asked
from recommender.thinkrec.shown import as_shown

History = Iterable[tuple[int, bool | None]]  # primary key of an item, whether it was liked; oldest first


@dataclass(frozen=True, slots=True)
class Shows:
    """What prompts show beside titles and opinions. `end_user`, `item` (by primary key): what stands where their
    collaborative vector goes; empty: no word about one."""

    keywords: bool = True
    end_user: str = ""
    item: Callable[[int], str] = lambda _: ""


TEXT = Shows()


def shown(history: History) -> list[tuple[int, bool]]:
    """What of a history a prompt shows: the last of it that are known to be liked or not."""
    return [(pk, liked) for pk, liked in history if liked is not None][-LONGEST_HISTORY:]


def questions(
    catalog: Catalog,
    history: History,
    pks: Sequence[int],
    *,
    preference: str = "",
    question: Question = "score",
    shows: Shows = TEXT,
) -> tuple[list[int], list[Prompt]]:
    """The prompts about items (primary keys) for an end user of this history, and of which of `pks` they are, by place.

    Items that are gone have none, and nobody has any whose history has nothing to show.
    """
    known = shown(history)
    items = items_of(catalog, [*pks, *(pk for pk, _ in known)], shows)
    past = tuple(Past(items[pk], liked) for pk, liked in known if pk in items)
    places = [place for place, pk in enumerate(pks) if pk in items] if past else []
    person = Person(catalog.item_noun, past, preference, catalog.ordered, shows.end_user)
    return places, asked(person, [items[pks[place]] for place in places], question=question)


def items_of(catalog: Catalog, pks: Collection[int], shows: Shows) -> dict[int, Described]:
    """Items as prompts show them, by primary key."""
    found = Item.objects.filter(catalog=catalog).in_bulk(list(set(pks)))
    described = as_shown(list(found.values()), catalog, keywords=shows.keywords)
    return {pk: replace(one, vector=shows.item(pk)) for pk, one in described.items()}


def preference_of(end_user: EndUser | int, *, as_of: int | None = None) -> Knowledge | None:
    """The text about the end user that is in force now, or of those in force the one that was known at a moment."""
    texts = Knowledge.objects.filter(end_user=end_user, item=None, in_force=True)
    return (texts if as_of is None else texts.filter(as_of__lte=as_of)).order_by("as_of").last()
