"""Low-activity end users: what they get instead of a text of their own, and that nothing later is in it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.dataset.examples import build
from recommender.dataset.low_activity import use_items
from recommender.dataset.texts import KnowledgeRows, Text
from recommender.models import SubjectKind
from tests.recommender.training.synthetic import in_memory

BELOW = 4


def items(*about: tuple[int, int], **fields: object) -> list[Text]:
    """(item, as_of): a text each, hashed by both."""
    return [Text(SubjectKind.ITEM, item, as_of, f"{item}@{as_of}", **fields) for item, as_of in about]  # type: ignore[arg-type]


def met(*moments_and_items: tuple[int, int]) -> list[tuple[int, int, int, float]]:
    return [(0, item, moment, 5.0) for moment, item in moments_and_items]


def sets_of(known: KnowledgeRows, data: object) -> list[set[str]]:
    """Of each interaction the hashes of the texts that its end user's knowledge is the mean of."""
    assigned, _ = known.assign(data)  # type: ignore[arg-type]
    first = 1 + len(known.texts)
    assert known.instead is not None
    return [
        {known.texts[row - 1].text_hash for row in known.instead.sets[number - first]} if number >= first else set()
        for number in assigned
    ]


def test_an_example_gets_the_items_met_before_it_that_are_known_by_then():
    data = in_memory(met((10, 0), (20, 1), (30, 2)))
    known = use_items(KnowledgeRows(items((0, 5), (1, 25), (2, 5))), data, below=BELOW)

    assert sets_of(known, data) == [set(), {"0@5"}, {"0@5", "1@25"}]


def test_of_several_texts_about_an_item_the_latest_known_one_counts_and_an_item_counts_once():
    data = in_memory(met((10, 0), (20, 0), (30, 2)))
    known = use_items(KnowledgeRows(items((0, 1), (0, 25), (0, 99))), data, below=BELOW)

    assert sets_of(known, data) == [set(), {"0@1"}, {"0@25"}]


def test_a_longer_history_and_a_text_of_their_own_get_nothing_instead():
    data = in_memory(met(*((10 * n, n) for n in range(1, 7))))
    own = Text(SubjectKind.END_USER, 0, 25, "own")
    known = use_items(KnowledgeRows([own, *items(*((n, 0) for n in range(7)))]), data, below=BELOW)
    assigned, _ = known.assign(data)

    assert sets_of(known, data)[:2] == [set(), {"1@0"}]
    assert assigned[2:].tolist() == [1, 1, 1, 1]
    assert known.latest(SubjectKind.END_USER) == {0: 1}

    without = use_items(KnowledgeRows(items(*((n, 0) for n in range(7)))), data, below=BELOW)
    assert [len(one) for one in sets_of(without, data)] == [0, 1, 2, 3, 0, 0]
    assert without.latest(SubjectKind.END_USER) == {}


def test_a_text_is_kept_from_those_its_prompt_showed():
    rows = [(0, 0, 10, 5.0), (0, 1, 20, 5.0), (1, 0, 10, 5.0), (1, 1, 20, 5.0)]
    data = in_memory(rows)
    known = use_items(KnowledgeRows(items((0, 0), shown=frozenset({1}))), data, below=BELOW)

    assert sets_of(known, data) == [set(), set(), set(), {"0@0"}]  # key 1 is the first interaction of end user 0


def test_interactions_of_one_moment_do_not_see_each_other():
    data = in_memory(met((10, 0), (10, 1), (20, 2)))
    known = use_items(KnowledgeRows(items((0, 0), (1, 0))), data, below=BELOW)

    assert sets_of(known, data) == [set(), set(), {"0@0", "1@0"}]


def test_sets_are_kept_once_and_their_vectors_are_means():
    rows = [(user, item, 10 * (item + 1), 5.0) for user in range(5) for item in range(3)]
    data = in_memory(rows)
    known = use_items(KnowledgeRows(items((0, 0), (1, 0))), data, below=BELOW)
    vectors = known.with_sets(known.matrix({"0@0": np.array([2.0, 0.0]), "1@0": np.array([0.0, 4.0])}))

    assert known.instead is not None
    assert sorted(known.instead.sets) == [(1,), (1, 2)]
    assert vectors[1 + len(known.texts) :].tolist() == [[2.0, 0.0], [1.0, 2.0]]
    assert known.latest(SubjectKind.END_USER) == dict.fromkeys(range(5), 4)  # all that is known now: both items


def test_kept_drafts_are_averaged_before_sets_are():
    data = in_memory(met((10, 0), (20, 1)))
    two = replace(items((0, 0))[0], further=(("b", "another draft"),))
    known = use_items(KnowledgeRows([two]), data, below=BELOW)

    assert known.to_encode() == {"0@0": "", "b": "another draft"}
    vectors = known.with_sets(known.matrix({"0@0": np.array([2.0, 0.0]), "b": np.array([0.0, 4.0])}))
    assert vectors.tolist() == [[0.0, 0.0], [1.0, 2.0], [1.0, 2.0]]


def test_without_item_texts_nothing_changes():
    data = in_memory(met((10, 0), (20, 1)))
    known = KnowledgeRows([Text(SubjectKind.END_USER, 0, 15, "own")])

    assert use_items(known, data, below=BELOW) is known
    assert known.with_sets(known.matrix({"own": np.ones(2, np.float32)})).shape == (2, 2)


moments = st.integers(0, 12)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), moments), min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 4), moments, st.frozensets(st.integers(1, 30), max_size=3)), max_size=8),
    st.integers(2, 6),
)
def test_nothing_of_the_example_or_later_is_ever_in_a_set(
    rows: list[tuple[int, int, int]], about: list[tuple[int, int, frozenset[int]]], below: int
) -> None:
    data = in_memory([(user, item, moment, 5.0) for user, item, moment in rows], items=5)
    texts = [Text(SubjectKind.ITEM, item, as_of, str(n), shown=shown) for n, (item, as_of, shown) in enumerate(about)]
    known = use_items(KnowledgeRows(texts), data, below=below)
    if known.instead is None:
        return
    examples = build(data, known, history=3)
    for row, number in enumerate(known.assign(data)[0].tolist()):
        assert examples.end_user_text[row] == number
        if not number:
            continue
        earlier = (data.end_user == data.end_user[row]) & (data.moment < data.moment[row])
        assert 0 < earlier.sum() < below
        for one in known.instead.sets[number - 1 - len(texts)]:
            text = texts[one - 1]
            assert text.as_of <= data.moment[row]
            assert text.subject in data.item[earlier]
            shown_to = data.end_user[np.isin(data.keys, list(text.shown))]
            assert data.end_user[row] not in shown_to


@pytest.mark.parametrize("below", [2, 4])
def test_changing_what_comes_later_changes_no_set(below: int) -> None:
    rows = met((10, 0), (20, 1), (30, 2), (40, 3))
    texts = items(*((item, as_of) for item in range(4) for as_of in (0, 25)))
    before = sets_of(use_items(KnowledgeRows(texts), in_memory(rows), below=below), in_memory(rows))
    changed = in_memory([*rows[:2], (0, 7, 30, 1.0), (0, 8, 40, 1.0)])
    later = replace(texts[-1], as_of=35, subject=0)

    assert sets_of(use_items(KnowledgeRows([*texts, later]), changed, below=below), changed)[:3] == before[:3]
