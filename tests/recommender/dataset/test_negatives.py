"""Items drawn as not liked where nobody says no."""

from dataclasses import fields

import numpy as np
import pytest

from recommender.dataset import negatives
from recommender.dataset.examples import build
from recommender.dataset.histories import frozen
from recommender.dataset.interactions import NOBODYS, Interactions, fitted_on, trained_on
from recommender.dataset.low_activity import use_items
from recommender.dataset.negatives import are_needed, draw
from recommender.dataset.numbering import NO_TEXT
from recommender.dataset.split import PARTS, TEST, TRAIN, UNSCORED, VALID, describe, split
from recommender.dataset.texts import KnowledgeRows, Text
from recommender.models import Clock, SubjectKind
from recommender.runs.errors import TooLittleDataError
from tests.recommender.training import synthetic

EACH = 4


def likes_alone(*, items: int, **sizes: int) -> Interactions:
    """Planted data whose dislikes nobody told."""
    return synthetic.in_memory([row for row in synthetic.rows(items=items, **sizes) if row[3] > 3], items=items)


def codes_of(data: Interactions, name: str = "r4ec"):
    return split(name, data.end_user, data.liked, moment=data.moment, likes_will_do=True)


def drawn(data: Interactions, name: str = "r4ec", *, seed: int = 1, clock: Clock = Clock.SECONDS, each: int = EACH):
    return draw(data, codes_of(data, name), each=each, seed=seed, clock=clock)


@pytest.fixture(scope="module")
def data():
    return likes_alone(end_users=20, items=60, each=40)


@pytest.fixture(scope="module")
def made(data):
    return drawn(data)


def test_what_people_did_stays_as_it_was_and_nothing_is_among_it(data, made):
    told = made[0].told()

    assert all(np.array_equal(getattr(told, one.name), getattr(data, one.name)) for one in fields(data))
    assert made[0].hash() == data.hash()
    assert (made[0].keys[made[0].drawn] == NOBODYS).all()
    assert (codes_of(data) == made[1][~made[0].drawn]).all()


@pytest.mark.parametrize("name", ["r4ec", "kar", "global-time"])
@pytest.mark.parametrize("clock", [Clock.SECONDS, Clock.NONE])
def test_each_like_that_counts_has_its_own_that_its_end_user_never_met(data, name, clock):
    after, codes = drawn(data, name, clock=clock)
    rows = np.flatnonzero(after.drawn)
    likes = after.drawn_for[rows]

    assert (after.liked[rows] == 0).all()
    assert (after.liked[likes] == 1).all()
    for column in (after.end_user, after.moment, codes):
        assert (column[rows] == column[likes]).all()
    met = set(zip(data.end_user.tolist(), data.item.tolist(), strict=True))
    assert not met & set(zip(after.end_user[rows].tolist(), after.item[rows].tolist(), strict=True))
    of_each = np.bincount(likes, minlength=len(after))
    scored = (after.liked == 1) & (codes != UNSCORED)
    if clock == Clock.NONE:  # every item is there from the beginning
        assert (of_each[scored] == EACH).all()
    pairs = np.unique(np.c_[likes, after.item[rows]], axis=0)
    assert len(pairs) == len(rows), "no item twice for one like"
    joined = np.where(codes == VALID, TRAIN, codes)
    assert (codes[likes[codes[rows] == UNSCORED]] == UNSCORED).all()
    assert trained_on(after, joined)[likes[codes[rows] == UNSCORED]].all()


def test_items_are_there_from_when_somebody_met_them(data, made):
    after, _ = made
    first = np.full(len(data.items), np.iinfo(np.int64).max)
    np.minimum.at(first, data.item, data.moment)
    rows = np.flatnonzero(after.drawn)

    assert (first[after.item[rows]] <= after.moment[rows]).all()
    assert (first > data.moment.min()).any(), "else there is nothing to see"


def test_popularity_counts_to_the_power_of_three_quarters():
    """One item a hundred times as popular as each of nine others, and people who met none of them."""
    met = np.random.default_rng(0).choice(10, size=3000, p=[100 / 109, *[1 / 109] * 9]).tolist()
    rows = [(end_user, item, 10, 5.0) for end_user, item in enumerate(met)]
    rows += [(end_user, 10 + place, 20 + place, 5.0) for end_user in range(3000, 3400) for place in range(5)]
    data = synthetic.in_memory(rows, items=15)
    codes = np.where(data.end_user < 3000, UNSCORED, TRAIN).astype(np.int8)
    after, _ = draw(data, codes, each=1, seed=3, clock=Clock.SECONDS)
    theirs = after.drawn & (after.end_user >= 3000)
    share = np.bincount(after.item[theirs], minlength=15)[:10] / theirs.sum()
    popularity = np.bincount(data.item, minlength=15)[:10] ** 0.75

    # items from 10 on are met by everybody who is asked
    assert share == pytest.approx(popularity / popularity.sum(), abs=0.03)
    assert share[0] < 0.87, "by popularity alone it would be 0.917"


def test_the_same_seed_draws_the_same_rows(data, made):
    again, other = drawn(data), drawn(data, seed=2)

    assert all(np.array_equal(getattr(again[0], n), getattr(made[0], n)) for n in ("item", "drawn_for", "moment"))
    assert (again[1] == made[1]).all()
    assert not np.array_equal(other[0].item, made[0].item)


def test_who_has_met_nearly_everything_gets_what_is_left():
    """Of twelve items everybody has met ten."""
    data = synthetic.in_memory([(u, (u + place) % 12, place, 5.0) for u in range(12) for place in range(10)], items=12)
    after, _ = drawn(data, "kar", clock=Clock.ORDER)
    of_each = np.bincount(after.drawn_for[after.drawn], minlength=len(after))

    assert of_each.max() == 2
    assert set(of_each[(after.liked == 1) & trained_on(after, drawn(data, "kar", clock=Clock.ORDER)[1])]) <= {1, 2}


def test_where_everybody_has_met_everything_it_says_so():
    data = synthetic.in_memory([(u, place, place, 5.0) for u in range(12) for place in range(10)], items=10)
    with pytest.raises(TooLittleDataError, match="everybody has met every item"):
        drawn(data, "kar", clock=Clock.ORDER)


@pytest.mark.parametrize(("dislikes", "needed"), [(0, True), (9, True), (10, False), (400, False)])
def test_rows_are_drawn_where_hardly_anything_is_known_not_to_be_liked(dislikes, needed):
    liked = np.array([0] * dislikes + [1] * (1000 - dislikes) + [-1] * 500, dtype=np.int8)

    assert are_needed(liked, np.full(1500, TRAIN, dtype=np.int8)) is needed
    assert not are_needed(liked, np.full(1500, TEST, dtype=np.int8))


def test_histories_hold_what_people_did_and_nothing_else(data, made):
    known, (after, _) = KnowledgeRows([]), made
    plain, examples = build(data, known, history=10), build(after, known, history=10)
    kept, rows = np.flatnonzero(~after.drawn), np.flatnonzero(after.drawn)

    for mine, theirs in ((plain.batch(np.arange(len(data))), examples.batch(kept)),):
        assert np.array_equal(mine.history_item, theirs.history_item)
        assert np.array_equal(mine.history_feedback, theirs.history_feedback)
    of_drawn, of_likes = examples.batch(rows), examples.batch(after.drawn_for[rows])
    assert np.array_equal(of_drawn.history_item, of_likes.history_item)
    assert (of_drawn.item != of_likes.item).all()


def test_the_frozen_history_is_that_of_the_first_tested_row(data, made):
    after, codes = made
    then = frozen(after, codes)

    assert np.array_equal(frozen(data, codes_of(data)).moment, then.moment[~after.drawn])
    rows = after.drawn & (codes == TEST)
    examples = build(then, KnowledgeRows([]), history=10)
    tested = np.flatnonzero(codes == TEST)
    first = tested[np.searchsorted(after.end_user[tested], after.end_user[rows])]
    assert (examples.before[rows] == first).all()


def test_what_may_be_fitted_on_has_what_was_drawn_for_it(data, made):
    after, codes = made
    did, fitted = trained_on(after, codes), fitted_on(after, codes)

    assert np.array_equal(did[~after.drawn], trained_on(data, codes_of(data)))
    assert not did[after.drawn].any()
    assert (fitted & after.drawn).sum() > 0
    assert did[after.drawn_for[fitted & after.drawn]].all()
    assert not fitted[np.isin(codes, [VALID, TEST])].any()


def test_a_missing_text_does_not_tell_which_one_was_liked(data, made):
    """A text about an item is hidden from who it was made from: from what was drawn beside their like as well."""
    after, _ = made
    like = int(after.drawn_for[after.drawn][-1])
    other = int(after.item[after.drawn_for == like][0])
    shown = frozenset({int(after.keys[like])})
    texts = [
        Text(SubjectKind.ITEM, int(after.item[like]), 0, "a", shown=shown),
        Text(SubjectKind.ITEM, other, 0, "b"),
        Text(SubjectKind.END_USER, int(after.end_user[like]), int(after.moment[like]), "c"),
    ]
    of_end_user, of_item = KnowledgeRows(texts).assign(after)

    assert of_item[like] == NO_TEXT
    assert (of_item[after.drawn_for == like] == NO_TEXT).all()
    elsewhere = (
        (after.item == other)
        & after.drawn
        & (after.drawn_for != like)
        & (after.item[after.drawn_for] != after.item[like])
    )
    assert (of_item[elsewhere] == 2).all()
    assert (of_end_user[after.drawn_for == like] == of_end_user[like]).all()
    assert of_end_user[like] == 3


def test_low_activity_end_users_have_the_same_sets(data, made):
    texts = [Text(SubjectKind.ITEM, item, 0, str(item)) for item in range(0, 60, 3)]
    before = use_items(KnowledgeRows(texts), data, below=12)
    after = use_items(KnowledgeRows(texts), made[0], below=12)

    assert (before.instead.sets, before.instead.now) == (after.instead.sets, after.instead.now)
    assert np.array_equal(before.instead.of_interaction, after.instead.of_interaction[~made[0].drawn])
    told, rows = made[0], np.flatnonzero(made[0].drawn)
    seen, _ = after.assign(told)
    assert np.array_equal(seen[rows], seen[told.drawn_for[rows]])
    assert (seen[rows] != NO_TEXT).any()


def test_a_description_counts_them(made):
    after, codes = made
    found = describe(codes, after.end_user, after.liked, after.drawn)

    assert {found[part]["drawn"] for part in PARTS} == {
        int((after.drawn & (codes == PARTS[part])).sum()) for part in PARTS
    }
    assert "drawn" not in describe(codes, after.end_user, after.liked, np.zeros(len(codes), bool))["train"]


def test_likes_in_many_pieces_are_drawn_for_one_by_one(data, monkeypatch):
    monkeypatch.setattr(negatives, "LIKES_AT_ONCE", 7)
    after, _ = drawn(data)
    likes = after.drawn_for[after.drawn]

    assert (np.diff(after.end_user) >= 0).all()
    assert (after.end_user[likes] == after.end_user[after.drawn]).all()
    assert len(likes) > 1000
