"""Candidates: which items are worth ranking for somebody. Everything where it is affordable.

Of a big catalog as many as the setting R4_CANDIDATES says, taken in turn from several lists, each best first: what the
active version's own vectors say (exact inner products with every item, no index that could miss one), what approved
texts resemble, what statements ask for, what shares liked attributes, is popular or new.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from recommender.artifacts import verified
from recommender.artifacts.past import Past
from recommender.artifacts.ranker import ArtifactError, Ranker
from recommender.dataset.numbering import FIRST_ITEM
from recommender.models import EndUser
from recommender.process_cache import ProcessCache
from recommender.serving import vectors
from recommender.serving.catalog_index import WHOLE_CATALOG, CatalogIndex
from recommender.serving.history import PastInteraction
from recommender.serving.rollout import active_in
from recommender.serving.whom import Whom
from recommender.signals.protocol import Counted

# How many each list gives in a turn.
BY_LIKES = 8.0  # the active version's first inner product, its own guess of a like
BY_LIKENESS = 1.0  # each other inner product
POPULAR = 1.0
NEWEST = 0.25
ASKED_FOR = 1.0  # each statement
BY_VALUE = 0.25  # each of the VALUES attribute values that the end user liked most often
VALUES = 8
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Numbered:
    """`numbers` (items): a ranker's of an index's items. `places`: in the index, of each of the ranker's items.

    Those that are not there have the index's length for a place; None where they are its first, in its order.
    """

    external_ids: Sequence[str]  # of the index: as long as it has these very items
    items: Mapping[str, int]  # kept, so that no other mapping gets its id
    numbers: Places
    places: Places | None

    def mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """A mask of the index, of the ranker's items."""
        return mask[: len(self.items)] if self.places is None else np.append(mask, False)[self.places]

    def of_index(self, rows: Places) -> Places:
        """The places in the index of these of the ranker's items."""
        return rows if self.places is None else self.places[rows]


NUMBERS: ProcessCache[int, Numbered] = ProcessCache("item numbers", most=8)


def unseen(index: CatalogIndex, seen: Sequence[int]) -> NDArray[np.bool_]:
    """(items,) True where the end user has not met the item. `seen`: primary keys."""
    mask = np.ones(len(index), dtype=np.bool_)
    mask[index.positions(np.array(seen, dtype=np.int64))] = False
    return mask


def candidates(
    whom: Whom,
    index: CatalogIndex,
    *,
    mask: NDArray[np.bool_],
    history: Sequence[PastInteraction],
    asked_for: Sequence[NDArray[np.int64]] = (),
    past: Callable[[Ranker], Past] | None = None,
) -> NDArray[np.int64]:
    """Positions in the index to rank, all of `mask`, ascending.

    Where a catalog is small, or the mask leaves few items, that is all there are. `asked_for`: positions of what each
    approved statement asks for. `past`: the history as a version reads it, from whoever keeps that.
    """
    if len(index) <= WHOLE_CATALOG or np.count_nonzero(mask) <= settings.CANDIDATES:
        return np.flatnonzero(mask)
    most = settings.CANDIDATES
    lists = list(nearest(whom, index, history, mask=mask, count=most, past=past))
    turns = min((most / share for share, each in lists if len(each) == most), default=math.inf)  # until it gave all

    def count(share: float) -> int:
        return most if turns == math.inf else math.ceil(turns * share)

    lists.append((POPULAR, first_of(index.by_popularity, mask, count(POPULAR))))
    lists.append((NEWEST, newest(mask, count(NEWEST))))
    liked = index.positions(np.array([past.item_pk for past in history if past.liked], dtype=np.int64))
    members = index.values.of_most(liked, VALUES)
    lists += [(BY_VALUE, first_of(each, mask, count(BY_VALUE))) for each in members]
    for positions in asked_for:
        meeting = positions[mask[positions]]
        lists.append((ASKED_FOR, most_popular(index, meeting, count(ASKED_FOR))))
    return in_turn(lists, most)


def in_turn(lists: Sequence[tuple[float, Places]], most: int) -> Places:
    """The first `most` different places of lists that each give so many in a turn, best first; ascending."""
    places = np.concatenate([each for _, each in lists])
    turns = np.concatenate([np.arange(1, len(each) + 1) / share for share, each in lists])
    order = np.argsort(turns, kind="stable")
    _, first = np.unique(places[order], return_index=True)
    return np.sort(places[order][np.sort(first)[:most]])


def nearest(
    whom: Whom,
    index: CatalogIndex,
    history: Sequence[PastInteraction],
    *,
    mask: NDArray[np.bool_],
    count: int,
    past: Callable[[Ranker], Past] | None = None,
) -> Iterator[tuple[float, Places]]:
    """The first `count` of `mask` by inner products, once for each kind of vector that is at hand. Before each how many
    it gives in a turn. Once what was liked gives them all, of the others only what they give in as many turns."""
    active, library = active_in(whom.catalog).version, None
    then, wanted = math.ceil(count / BY_LIKES * BY_LIKENESS), count
    if active is not None and history:
        try:
            ranker = verified.load(active)
        except ArtifactError:
            pass  # whoever ranks says so
        else:
            library, known, share = ranker.library, _numbers(ranker, index), BY_LIKES
            read = past(ranker) if past else history
            for rows in ranker.nearest(whom.external_id, read, known.mask(mask), count, then=then):
                wanted = then if len(rows) == count else wanted
                yield share, known.of_index(rows)
                share = BY_LIKENESS
    texts = vectors.item_texts(whom.catalog)
    if len(texts.pks) and isinstance(whom, EndUser):
        own = vectors.of_end_user(whom, texts.encoder)
        if own is not None:
            yield BY_LIKENESS, texts.nearest(index, own, mask, wanted, library=library)


def numbers(ranker: Ranker, index: CatalogIndex) -> Places:
    """The ranker's numbers of the index's items (items): UNKNOWN_ITEM of those that it has not met."""
    return _numbers(ranker, index).numbers


def counted(ranker: Ranker, index: CatalogIndex, places: Places) -> Counted | None:
    """How often the items at these places were judged and liked until now, as a ranker has their means go on; None
    where they stay."""
    if not ranker.follows_likes:
        return None
    return Counted(index.counted[places], ranker.surplus(numbers(ranker, index), index.counted))


def _numbers(ranker: Ranker, index: CatalogIndex) -> Numbered:
    key = id(ranker.items)
    known = NUMBERS.get(key, lambda: _numbered(ranker, index))
    if known.external_ids is not index.external_ids:
        NUMBERS.drop(lambda other: other == key)
        known = NUMBERS.get(key, lambda: _numbered(ranker, index))
    return known


def _numbered(ranker: Ranker, index: CatalogIndex) -> Numbered:
    numbers = ranker.numbers(index.external_ids)
    rows = numbers - FIRST_ITEM
    if np.array_equal(rows[: len(ranker.items)], np.arange(len(ranker.items))):
        return Numbered(index.external_ids, ranker.items, numbers, None)
    places = np.full(len(ranker.items), len(index))
    places[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
    return Numbered(index.external_ids, ranker.items, numbers, places)


def most_popular(index: CatalogIndex, places: Places, count: int) -> Places:
    """The first `count` of these places, the most popular first: in time that depends on how many they are alone."""
    standing = index.standing[places]
    if len(places) > 4 * count:
        few = np.argpartition(standing, count)[:count]
        places, standing = places[few], standing[few]
    return places[np.argsort(standing)][:count]


def newest(mask: NDArray[np.bool_], count: int) -> Places:
    """The last `count` of `mask`, the last first."""
    start = max(0, len(mask) - 4 * count)  # mostly enough, as in `first_of`
    found = np.flatnonzero(mask[start:])
    if len(found) < count:
        start, found = 0, np.flatnonzero(mask)
    last: Places = start + found[: -count - 1 : -1]
    return last


def first_of(ranked: Places, mask: NDArray[np.bool_], count: int) -> Places:
    few = ranked[: 4 * count]  # mostly enough: looking at a whole catalog takes as long as an inner product
    found = few[mask[few]]
    return found[:count] if len(found) >= count else ranked[mask[ranked]][:count]
