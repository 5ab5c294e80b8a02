"""What two versions are compared on: the candidate's test rows, for each end user as of just before the first of them.

A version ranks with the newest text of everybody. A text that is later than the test rows, or was made from them, would
tell their labels (dataset.texts). So of an end user such a text is hidden, and about an item the row is left out.
"""

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.artifacts.golden import Entry
from recommender.dataset.examples import build, leaking_rows
from recommender.dataset.interactions import Interactions, fitted_on
from recommender.dataset.numbering import NO_TEXT
from recommender.dataset.split import Parts
from recommender.dataset.texts import read_texts
from recommender.models import BackboneVersion, Catalog, EndUser, Interaction, SubjectKind
from recommender.recipe import TrainConfig
from recommender.signals.newer import Newer
from recommender.training.prepare import read, texts_of

MOST_PAIRS = 10_000_000  # end users × items that one version ranks: minutes, whatever the catalog
FEWEST = 200  # end users, however many items there are
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Tested:
    """One end user as of the moment `cut`. `met` are numbers of the items in the history; `items` and `liked` (m) the
    tested ones."""

    name: str
    number: int
    cut: int
    attributes: Mapping[str, Any]
    history: Sequence[Entry]
    met: NDArray[np.int32]
    items: NDArray[np.int32]
    liked: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class TestBed:
    """`items`: external ids of the whole catalog. `hidden`: of each version, by primary key, whose text it may not use.

    `newer`: what others liked since the candidate's train part. `of`: how many end users are tested in all; those of
    `tested` are a sample where they are fewer. `data_hash`: of the catalog as it was read.
    """

    items: Sequence[str]
    tested: Sequence[Tested]
    hidden: Mapping[int, frozenset[str]]
    newer: Newer
    of: int
    left_out: int  # test rows whose item's text knows too much
    drawn: int  # test rows that nobody did (dataset.negatives)
    data_hash: str


def make_test_bed(
    candidate: BackboneVersion,
    active: BackboneVersion,
    *,
    most: int,
    alive: Callable[[], None] = lambda: None,
) -> TestBed:
    """The candidate's split of the catalog as it is now, at most `most` end users of it, always the same ones.

    Raises CannotTrainError where the split has nothing to test any more.
    """
    catalog = candidate.catalog
    interactions, codes = read(catalog, TrainConfig.from_json(candidate.config))
    alive()
    rows = Parts.of(codes).test
    everybody = np.unique(interactions.end_user[rows])
    affordable = max(FEWEST, MOST_PAIRS // max(1, len(interactions.items)))
    chosen = sample([interactions.end_users[number] for number in everybody.tolist()], min(most, affordable))
    numbers = everybody[chosen]
    rows = rows[np.isin(interactions.end_user[rows], numbers)]  # ascending by end user, oldest first
    first = rows[np.r_[True, np.diff(interactions.end_user[rows]) > 0]]
    leaks, hidden = np.zeros(len(interactions), dtype=np.bool_), {}
    for version in (candidate, active):
        alive()
        leaking, unseen = knows_too_much(version, interactions, first)
        leaks |= leaking
        hidden[version.pk] = frozenset(interactions.end_users[number] for number in unseen)
    kept = rows[~leaks[rows]]
    return TestBed(
        items=interactions.items,
        tested=list(_tested(catalog, interactions, first, kept, alive=alive)),
        hidden=hidden,
        newer=Newer(interactions, fitted_on(interactions, codes)),
        of=len(everybody),
        left_out=len(rows) - len(kept),
        drawn=int(interactions.drawn[kept].sum()),
        data_hash=interactions.hash(),
    )


def sample(names: Sequence[str], most: int) -> NDArray[np.int64]:
    """Places of at most `most` of these names, ascending; which ones depends on the names alone."""
    dealt = np.array([zlib.crc32(name.encode()) for name in names], dtype=np.int64)
    chosen: NDArray[np.int64] = np.sort(np.argsort(dealt, kind="stable")[:most])
    return chosen


def knows_too_much(
    version: BackboneVersion, interactions: Interactions, first: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], list[int]]:
    """Rows (n) that may not see their item's newest text; end users whose own is too late at their row of `first`.

    So is what low-activity end users have instead, where they met another item since whose text is known.
    """
    recipe = TrainConfig.from_json(version.config)
    known = texts_of(recipe, read_texts(version.snapshot, interactions), interactions)
    examples = build(interactions, known, history=1)
    newest = np.full(len(interactions.end_users), NO_TEXT, dtype=np.int64)
    for number, row in known.latest(SubjectKind.END_USER).items():
        newest[number] = row
    theirs = interactions.end_user[first]
    late = (newest[theirs] != NO_TEXT) & (examples.end_user_text[first] != newest[theirs])
    return leaking_rows(examples, known), theirs[late].tolist()


def _tested(
    catalog: Catalog,
    interactions: Interactions,
    first: NDArray[np.int64],
    rows: NDArray[np.int64],
    *,
    alive: Callable[[], None],
) -> Iterator[Tested]:
    """One for each row of `first`, in order; `rows`: all that are tested."""
    item_numbers = {name: number for number, name in enumerate(interactions.items)}
    owner = interactions.end_user[rows]
    names = [interactions.end_users[number] for number in interactions.end_user[first].tolist()]
    for start in range(0, len(first), AT_ONCE):
        alive()
        some = names[start : start + AT_ONCE]
        people = {one.external_id: one for one in EndUser.objects.filter(catalog=catalog, external_id__in=some)}
        histories = histories_of([one.pk for one in people.values()])
        for name, row in zip(some, first[start : start + AT_ONCE].tolist(), strict=True):
            if name not in people:
                continue  # removed meanwhile
            cut = int(interactions.moment[row])
            past = [entry for moment, entry in histories[people[name].pk] if moment < cut]
            number = int(interactions.end_user[row])
            own = rows[np.searchsorted(owner, number, "left") : np.searchsorted(owner, number, "right")]
            yield Tested(
                name=name,
                number=number,
                cut=cut,
                attributes=people[name].attributes,
                history=past,
                met=np.array(sorted({item_numbers[one.item_id] for one in past}), dtype=np.int32),
                items=interactions.item[own],
                liked=interactions.liked[own],
            )


def histories_of(end_users: Sequence[int]) -> dict[int, list[tuple[int, Entry]]]:
    """Each end user's interactions with their moments, oldest first. One query."""
    found: dict[int, list[tuple[int, Entry]]] = defaultdict(list)
    rows = (
        Interaction.objects.filter(end_user_id__in=end_users)
        .oldest_first()
        .values_list("end_user_id", "moment", "item__external_id", "rating", "label")
    )
    for end_user, moment, item, rating, label in rows.iterator(chunk_size=10_000):
        found[end_user].append((moment, Entry(item, rating, label)))
    return found
