"""Which rows traces are asked for: an end user, an item that they met next, and whether they liked it.

Source: METHODS.md 2.3 and 2.4 (ThinkRec: the last ten items before the target, each with its evaluation; sampled
training rows; explanations are tested on rows with ten items of which five were liked). Rows lie in the first four
fifths of each history: the split `r4ec` tests on the rest. Rows that only test explanations come from a tenth of the
end users, of whom no row is trained on with the same seed.
"""

import hashlib
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence

from recommender.models import Catalog, EndUser, Interaction
from recommender.rounds import approved
from recommender.rounds.evidence import COLUMNS, Evidence, Met, encounters, items_by_id, subject_of

TRAIN_SHARE = 0.8  # of each history
SHOWN = 10  # interactions before the target
FEWEST = 5  # so many at least
LIKED_OF_TESTED = 5  # of the ten, in a row that explanations are tested with
TESTED_OF = 10  # one end user of so many
AT_ONCE = 200  # end users whose histories are read together


def draw(
    catalog: Catalog, *, limit: int | None, held_out: int, seed: int, with_keywords: bool = False
) -> Iterator[list[Evidence]]:
    """Rows in chunks: up to `limit` to train on (None: one of each end user), up to `held_out` to test with.

    The same seed draws the same rows, and a larger number draws further ones beside them.
    """
    names = EndUser.objects.filter(catalog=catalog).values_list("external_id", "pk")
    drawn = sorted((_lot(seed, name), name, pk) for name, pk in names)
    tested = [(name, pk) for lot, name, pk in drawn if lot % TESTED_OF == 0]
    trained = [(name, pk) for lot, name, pk in drawn if lot % TESTED_OF]
    each = 1 if limit is None else max(1, math.ceil(limit / max(len(trained), 1)))
    for people, most, of_each, is_held_out in (
        (trained, limit, each, False),
        (tested, held_out, 1, True),
    ):
        left = len(people) * of_each if most is None else most
        for start in range(0, len(people), AT_ONCE):
            if left <= 0:
                break
            some = people[start : start + AT_ONCE]
            rows = _rows(some, seed=seed, each=of_each, held_out=is_held_out)[:left]
            left -= len(rows)
            yield _evidence(catalog, rows, held_out=is_held_out, with_keywords=with_keywords)


def _lot(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8])


def _rows(people: Sequence[tuple[str, int]], *, seed: int, each: int, held_out: bool) -> list[list[Met]]:
    """Of each end user so many rows at most, in this order of end users: what is shown, and the target last.

    Names, unlike keys, are the same in every database, and so are the rows that a seed draws.
    """
    found: dict[int, list[Met]] = defaultdict(list)
    theirs = Interaction.objects.filter(end_user_id__in=[pk for _, pk in people])
    for columns in theirs.with_liked().oldest_first().values_list(*COLUMNS).iterator(chunk_size=10_000):
        met = Met(*columns)
        found[met.end_user_id].append(met)
    rows = []
    for name, pk in people:
        fitting = _fitting(found[pk], held_out=held_out)
        random.Random(f"{seed}/{name}").shuffle(fitting)  # noqa: S311 - a draw that can be repeated
        moments: set[int] = set()
        for row in fitting:
            if len(moments) < each and row[-1].moment not in moments:  # a round has a moment of its own
                moments.add(row[-1].moment)
                rows.append(row)
    return rows


def _fitting(history: Sequence[Met], *, held_out: bool) -> list[list[Met]]:
    rows = []
    for target in history[: int(TRAIN_SHARE * len(history))]:
        if target.liked is None:
            continue
        shown = [met for met in history if met.moment < target.moment and met.liked is not None][-SHOWN:]
        liked = sum(bool(met.liked) for met in shown)
        if (len(shown), liked) == (SHOWN, LIKED_OF_TESTED) if held_out else len(shown) >= FEWEST:
            rows.append([*shown, target])
    return rows


def _evidence(catalog: Catalog, rows: list[list[Met]], *, held_out: bool, with_keywords: bool) -> list[Evidence]:
    items = items_by_id(catalog, (met.item_id for row in rows for met in row))
    words = approved.keywords_of(items) if with_keywords else {}
    return [
        Evidence(
            target.end_user_id,
            target.moment,
            subject_of(
                catalog,
                "end_user",
                history=encounters(shown, items, catalog, words),
                asked=encounters([target], items, catalog, words),
            ),
            held_out=held_out,
        )
        for *shown, target in rows
    ]
