"""Evidence for rounds: what a prompt may show about an end user or an item, and as of when.

Whole chunks of subjects are read with a fixed number of queries. Everything shown happened before `as_of`, with one
exception: an order clock numbers each end user's interactions on their own, so the moments of two end users cannot
be compared. There an item's `as_of` is 0, and the interactions in its evidence say what training must leave out. So it
is where no order is known: moments are drawn by chance, and a prefix is a half drawn by chance.

Source of the windows: METHODS.md 1.2 (R4ec's released data always show exactly ten interactions, several windows an end
user), 1.9 and 7 (the prefix rule is KAR's).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from django.db.models import Count, F, OuterRef, Subquery, Window
from django.db.models.functions import Coalesce, RowNumber

from recommender.grounding.prose import has_prose, without_prose
from recommender.models import Catalog, Clock, EndUser, Interaction, Item, Knowledge
from recommender.rounds import approved
from recommender.rounds.core import keywords
from recommender.rounds.core.types import Encounter, Kind, Subject

WindowName = Literal["prefix", "latest", "sliding"]

MOST_EVIDENCE = 30  # interactions of an end user in one prompt, and KAR's longest prefix
SLIDING = 10  # interactions of one sliding window, never fewer
MOST_WINDOWS = 3  # sliding windows of one end user
PAIR_HISTORY = 10  # earlier interactions of an item's liker and disliker: what R4ec's released data always shows
APPROVED_TEXT = "approved text"  # what it is called among the attributes that keywords come from
KEYWORDS = "keywords"  # what approved keywords are called beside attributes
PAIR_CANDIDATES = 25  # likers (and dislikers) of an item among whom the one shown is chosen


@dataclass(frozen=True, slots=True)
class Windows:
    """Which part of a history a round shows. `stride` and `most`: of sliding windows, from one to the next; how many
    of each end user, the latest ones."""

    name: WindowName = "prefix"
    stride: int = SLIDING
    most: int = MOST_WINDOWS

    def __post_init__(self) -> None:
        if self.stride < 1 or self.most < 1:
            raise ValueError("The stride and the number of sliding windows must be above 0.")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A subject as a round shows it: strictly before `as_of`. `held_out`: a trace that only tests explanations."""

    subject_id: int
    as_of: int
    subject: Subject
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class Met:
    """One interaction, read without its item."""

    id: int
    end_user_id: int
    item_id: int
    rating: float | None
    liked: bool | None
    moment: int


_FIRST, _LAST = [F("moment").asc(), F("id").asc()], [F("moment").desc(), F("id").desc()]
COLUMNS = ("id", "end_user_id", "item_id", "rating", "liked", "moment")


def of_end_users(
    catalog: Catalog, ids: Collection[int], *, windows: Windows | None = None, with_keywords: bool = False
) -> list[Evidence]:
    """The evidence of these end users, by id; those without interactions are left out. Two queries a chunk, three
    `with_keywords`, which shows each item with the keywords that people approved.

    `prefix`: the first min(ceil(n/2), 30) interactions, as of the moment of the next one.
    `latest`: the last 30, as of just after the last one.
    `sliding`: exactly ten in a row, as of just after their last one; the window that ends with the last interaction,
    the one that ends `stride` earlier, and so on, oldest first. End users with fewer than ten are left out.
    """
    windows = windows or Windows()
    mine = [F("end_user_id")]
    longest = {
        "prefix": MOST_EVIDENCE + 1,
        "latest": MOST_EVIDENCE,
        "sliding": SLIDING + windows.stride * (windows.most - 1),
    }
    rows = (
        Interaction.objects.filter(end_user_id__in=ids, end_user__catalog=catalog)
        .with_liked()
        .annotate(
            in_all=Window(Count("id"), partition_by=mine),
            position=Window(RowNumber(), partition_by=mine, order_by=_FIRST if windows.name == "prefix" else _LAST),
        )
        .filter(position__lte=longest[windows.name])
        .values_list(*COLUMNS, "in_all")
    )
    histories: dict[int, list[Met]] = defaultdict(list)
    totals: dict[int, int] = {}
    for *columns, in_all in rows:
        met = Met(*columns)
        histories[met.end_user_id].append(met)
        totals[met.end_user_id] = in_all
    cuts: list[tuple[int, int, list[Met]]] = []
    for id_, history in sorted(histories.items()):
        history.sort(key=in_time)
        match windows.name:
            case "prefix":
                cuts.append((id_, *_prefix(history, totals[id_])))
            case "latest":
                cuts.append((id_, history[-1].moment + 1, history))
            case "sliding":
                cuts += [(id_, shown[-1].moment + 1, shown) for shown in _sliding(history, windows.stride)]
    items = items_by_id(catalog, (met.item_id for _, _, shown in cuts for met in shown))
    words = approved.keywords_of(items) if with_keywords else {}
    return [
        Evidence(id_, as_of, subject_of(catalog, "end_user", history=encounters(shown, items, catalog, words)))
        for id_, as_of, shown in cuts
    ]


def in_time(met: Met) -> tuple[int, int]:
    return met.moment, met.id


def known_now(end_user: EndUser) -> tuple[Encounter, ...]:
    """Everything the end user has met until now, oldest first, with all attributes but descriptions. Two queries."""
    rows = Interaction.objects.filter(end_user=end_user).with_liked().oldest_first().values_list(*COLUMNS)
    history = [Met(*columns) for columns in rows]
    items = Item.objects.in_bulk({met.item_id for met in history})
    return tuple(
        Encounter(
            items[met.item_id].title, met.rating, met.liked, {**without_prose(items[met.item_id].attributes)}, met.id
        )
        for met in history
    )


def _prefix(history: Sequence[Met], in_all: int) -> tuple[int, list[Met]]:
    """Cut before the first interaction that is to be predicted. Interactions of one moment are never torn apart."""
    wanted = min((in_all + 1) // 2, MOST_EVIDENCE)
    if wanted < len(history):
        as_of = history[wanted].moment
        if shown := [met for met in history[:wanted] if met.moment < as_of]:
            return as_of, shown
    first = history[0].moment  # everything so far happened at one moment: cut after it
    return first + 1, [met for met in history[:MOST_EVIDENCE] if met.moment == first]


def _sliding(history: Sequence[Met], stride: int) -> list[list[Met]]:
    """Windows of exactly ten, oldest first, the last one at the end. Two that end at one moment would be one round:
    the later one stays."""
    ends = range(len(history), SLIDING - 1, -stride)
    windows = [list(history[end - SLIDING : end]) for end in ends]
    return list({shown[-1].moment: shown for shown in reversed(windows)}.values())


def of_items(catalog: Catalog, ids: Collection[int], *, window: WindowName = "prefix") -> list[Evidence]:
    """The evidence of these items, by id: attributes with descriptions, and one liker's and one disliker's history.
    Four queries.

    The pair is the earliest (`prefix`: most interactions may still use the knowledge) or the latest (`latest`) that
    had at least ten interactions before meeting the item; failing that, the one that had most. Their history ends
    with the item itself; `as_of` is just after both met it. Windows slide over end users' histories only: `sliding`
    is `prefix` here.
    """
    candidates = _candidates(catalog, ids, window)
    pairs = {key: _choose(of_key) for key, of_key in candidates.items()}
    histories = _histories(list(pairs.values()))
    items = items_by_id(catalog, [*ids, *(met.item_id for history in histories.values() for met in history)])
    evidence = []
    for id_ in sorted(set(ids) & set(items)):
        liker, disliker = pairs.get((id_, True)), pairs.get((id_, False))
        met_by = [met for met in (liker, disliker) if met]
        as_of = max((met.moment + 1 for met in met_by), default=0) if catalog.clock == Clock.SECONDS else 0
        subject = subject_of(
            catalog,
            "item",
            title=items[id_].title,
            attributes=shown_attributes(items[id_], catalog),
            liker=encounters(histories[liker.id], items, catalog) if liker else (),
            disliker=encounters(histories[disliker.id], items, catalog) if disliker else (),
        )
        evidence.append(Evidence(id_, as_of, subject))
    return evidence


def _candidates(
    catalog: Catalog, ids: Collection[int], window: WindowName
) -> dict[tuple[int, bool], list[tuple[int, Met]]]:
    """The first (or last) likers and dislikers of each item: (item, liked) → (interactions before it, itself)."""
    before = (
        Interaction.objects.filter(end_user_id=OuterRef("end_user_id"), moment__lt=OuterRef("moment"))
        .order_by()
        .values("end_user_id")
        .annotate(n=Count("*"))
        .values("n")
    )
    order = _LAST if window == "latest" else _FIRST
    first_ones = (
        Interaction.objects.filter(item_id__in=ids, item__catalog=catalog)
        .with_liked()
        .exclude(rating=None, label=None)
        .annotate(position=Window(RowNumber(), partition_by=[F("item_id"), F("liked")], order_by=order))
        .filter(position__lte=PAIR_CANDIDATES)
        .values_list("id", flat=True)
    )
    rows = (
        Interaction.objects.filter(id__in=list(first_ones))
        .with_liked()
        .annotate(earlier=Coalesce(Subquery(before), 0))
        .order_by(*order)
        .values_list(*COLUMNS, "earlier")
    )
    candidates: dict[tuple[int, bool], list[tuple[int, Met]]] = defaultdict(list)
    for *columns, earlier in rows:
        met = Met(*columns)
        candidates[met.item_id, bool(met.liked)].append((earlier, met))
    return candidates


def _choose(candidates: Sequence[tuple[int, Met]]) -> Met:
    _, chosen = max(candidates, key=lambda candidate: min(candidate[0], PAIR_HISTORY))  # the first of equals
    return chosen


def _histories(pairs: Sequence[Met]) -> dict[int, list[Met]]:
    """What came before each of these interactions, and the interaction itself last: by its id."""
    by_end_user: dict[int, list[Met]] = defaultdict(list)
    rows = (
        Interaction.objects.filter(end_user_id__in={met.end_user_id for met in pairs})
        .with_liked()
        .oldest_first()
        .values_list(*COLUMNS)
    )
    for columns in rows.iterator(chunk_size=10_000):
        met = Met(*columns)
        by_end_user[met.end_user_id].append(met)
    return {
        pair.id: [*[met for met in by_end_user[pair.end_user_id] if met.moment < pair.moment][-PAIR_HISTORY:], pair]
        for pair in pairs
    }


def items_by_id(catalog: Catalog, ids: Iterable[int]) -> dict[int, Item]:
    return catalog.items.in_bulk(list(set(ids)))


def of_keywords(catalog: Catalog, ids: Collection[int]) -> list[Evidence]:
    """What these items' keywords may come from, by id: the title, the attributes that prompts show, descriptions, and
    the approved text about the item, the latest.

    An item that has nothing of these but its title is left out. Two queries.
    """
    of_items = Knowledge.objects.filter(catalog=catalog, item_id__in=ids, end_user=None, in_force=True)
    texts = dict(of_items.order_by("as_of", "pk").values_list("item_id", "text"))
    found = []
    for id_, item in sorted(items_by_id(catalog, ids).items()):
        told = {
            name: keywords.shortened(value) if has_prose(value) else value
            for name, value in item.attributes.items()
            if value and (name in catalog.prompt_attributes or has_prose(value))
        }
        if text := texts.get(id_):
            told[APPROVED_TEXT] = keywords.shortened(text)
        if keywords.is_described(told) or keywords.of_attributes(told):
            found.append(Evidence(id_, 0, subject_of(catalog, "item", title=item.title, attributes=told)))
    return found


def encounters(
    history: Iterable[Met],
    items: dict[int, Item],
    catalog: Catalog,
    words: Mapping[int, Sequence[str]] = MappingProxyType({}),
) -> tuple[Encounter, ...]:
    """Without descriptions: thirty of them would be most of a prompt. `words`: of items, by number, the approved
    keywords to show with them."""
    return tuple(
        Encounter(
            title=items[met.item_id].title,
            rating=met.rating,
            liked=met.liked,
            attributes={**without_prose(shown_attributes(items[met.item_id], catalog))}
            | ({KEYWORDS: list(words[met.item_id])} if met.item_id in words else {}),
            interaction_id=met.id,
        )
        for met in history
    )


def shown_attributes(item: Item, catalog: Catalog) -> dict[str, Any]:
    return {name: item.attributes[name] for name in catalog.prompt_attributes if item.attributes.get(name)}


def subject_of(catalog: Catalog, kind: Kind, **fields: Any) -> Subject:
    return Subject(
        kind=kind,
        item_noun=catalog.item_noun,
        rating_max=catalog.rating_max,
        like_threshold=catalog.like_threshold,
        ordered=catalog.ordered,
        **fields,
    )
