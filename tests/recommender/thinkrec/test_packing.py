"""Rows packed to one sequence: each token sees its own row alone, and what rows begin with alike is there once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.thinkrec.tuning.encoding import Encoded
from recommender.thinkrec.tuning.packing import packed
from recommender.thinkrec.tuning.rows import Entity
from tests.recommender.thinkrec.rows_of_films import row

ROW = row(0, "Drama 2")
TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=6)  # few of them, so that many rows begin alike


@given(st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=6))
def test_every_row_reads_its_own_tokens_in_order(told: list[tuple[list[int], list[int]]]) -> None:
    rows = [Encoded(ROW, prompt, answer) for prompt, answer in told]
    pack = packed(rows, [one.answer for one in rows])
    assert len(pack) <= sum(len(one) - 1 for one in rows)
    for (prompt, answer), places in zip(told, pack.predicts, strict=True):
        assert len(places) == len(answer)
        for read, place in enumerate(places):
            seen = np.flatnonzero(pack.seen[place]).tolist()
            whole = [*prompt, *answer[:read]]
            assert [pack.tokens[at] for at in sorted(seen, key=pack.positions.__getitem__)] == whole
            assert sorted(pack.positions[at] for at in seen) == list(range(len(whole)))


def test_what_a_row_begins_with_like_the_one_before_it_is_there_once() -> None:
    rows = [Encoded(ROW, [1, 2, 3], [8, 9]), Encoded(ROW, [1, 2, 4, 5], [8, 9]), Encoded(ROW, [7], [8, 9])]
    pack = packed(rows, [one.answer for one in rows])
    assert pack.tokens == [1, 2, 3, 8, 4, 5, 8, 7, 8]
    assert pack.positions == [0, 1, 2, 3, 2, 3, 4, 0, 1]
    assert pack.predicts == [[2, 3], [5, 6], [7, 8]]


def test_places_of_different_vectors_are_not_alike() -> None:
    one: Entity = ("item", "a")
    other: Entity = ("item", "b")
    rows = [Encoded(ROW, [1, 0, 2], [8], ((1, entity),)) for entity in (one, one, other)]
    pack = packed(rows, [each.answer for each in rows])
    assert pack.tokens == [1, 0, 2, 0, 2]
    assert pack.entities == [(1, one), (3, other)]
    assert pack.predicts == [[2], [2], [4]]
