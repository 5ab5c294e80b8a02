"""Statements move scores one way only, and as far as likes bear them out beyond chance."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.dataset.texts import KnowledgeRows, Text
from recommender.grounding.statements import Facet, Statement
from recommender.models import SubjectKind
from recommender.signals import stated
from recommender.signals.stated import AVOIDED, BY_MODEL, BY_PERSON, CHANCE, MOST, Answered, Held, Stated, Weights
from recommender.statements.aspects import CatalogAspects
from recommender.statements.queries import Opinion

KINDS, ITEMS = 4, 40
ASPECTS = CatalogAspects.of(
    range(ITEMS), [f"i{n}" for n in range(ITEMS)], [""] * ITEMS, [{"kind": f"k{n % KINDS}"} for n in range(ITEMS)]
)
NAMES = [f"u{n}" for n in range(200)]


def opinion(kind, polarity, *, strength=1.0, **of):
    return Opinion(Statement((Facet("attribute", "kind", f"k{kind}"),), polarity, strength), **of)


def about(subject, *opinions, as_of=0):
    return Text(SubjectKind.END_USER, subject, as_of, f"{subject} {as_of}", opinions=opinions)


def held(*texts):
    return stated.hold(KnowledgeRows(texts), ASPECTS)


def world(end_users, *, seed=1, weight=2.0):
    """Everybody loves a kind and avoids another, and says so; a backbone knows neither."""
    draw = np.random.default_rng(seed)
    loved = draw.integers(KINDS, size=end_users)
    avoided = (loved + 1 + draw.integers(KINDS - 1, size=end_users)) % KINDS
    texts = [about(n, opinion(loved[n], "likes"), opinion(avoided[n], "dislikes")) for n in range(end_users)]
    end_user, item = (one.ravel() for one in np.meshgrid(np.arange(end_users), np.arange(ITEMS), indexing="ij"))
    logit = draw.normal(size=len(item))
    moved = logit + weight * ((item % KINDS == loved[end_user]) * 1.0 - (item % KINDS == avoided[end_user]))
    liked = (draw.random(len(item)) < 1 / (1 + np.exp(-moved))).astype(np.float64)
    return held(*texts), Answered(end_user, end_user + 1, item, logit, liked)


def test_columns_are_the_strengths_of_what_an_item_meets():
    said = held(about(0, opinion(0, "likes", strength=0.5), opinion(0, "likes", weight=0.5), opinion(1, "dislikes")))
    columns = said.columns(1)

    assert columns[0].tolist() == [1.0, 0.0]
    assert columns[1].tolist() == [0.0, -1.0]
    assert not columns[2].any()
    np.testing.assert_array_equal(said.columns_of(np.array([1, 0, 9]), np.array([0, 0, 0])), [[1, 0], [0, 0], [0, 0]])


def test_what_was_said_in_words_only_is_read():
    texts = [
        Text(SubjectKind.END_USER, 0, 0, "a", "They love k1 items.", further=(("b", "They avoid k2 items."),)),
        Text(SubjectKind.ITEM, 0, 0, "c", "Who likes it loves k1 items."),
    ]
    said = stated.hold(KnowledgeRows(texts), ASPECTS)
    assert [(one.likes, one.places.tolist()[:2]) for one in said.held[1]] == [(True, [1, 5]), (False, [2, 6])]
    assert all(one.strength <= 0.5 for one in said.held[1])  # two drafts share the weight of one text
    assert said.held[2] == []


def test_texts_that_say_nothing_of_any_item_are_none():
    assert held(about(0, opinion(9, "likes")), about(1)) is None


def test_of_controls_only_other_peoples_texts_say_anything():
    known = KnowledgeRows([about(n, opinion(n, "likes")) for n in range(3)])
    own, others = (stated.hold(known, ASPECTS, source=source) for source in ("knowledge", "shuffled"))
    places = [[one.places[0] for one in each] for each in own.held[1:]]
    assert places == [[0], [1], [2]]
    assert sorted(one.places[0] for each in others.held[1:] for one in each) == [0, 1, 2]
    assert all(one.places[0] != n for n, each in enumerate(others.held[1:]) for one in each)
    assert stated.hold(known, ASPECTS, source="random") is None


def test_priors_are_a_floor_and_can_be_left_out():
    assert Weights().of(likes=True, by_person=True) == BY_PERSON
    assert Weights().of(likes=False, by_person=False) == -AVOIDED * BY_MODEL
    assert Weights(1.0, 1.0).of(likes=True, by_person=False) == 1.0
    assert Weights(1.0, 1.0).of(likes=True, by_person=True) == BY_PERSON
    assert Weights(0.2, 0.1, priors=False).of(likes=False, by_person=True) == -0.1
    assert Weights(priors=False).of(likes=True, by_person=True) == 0.0


def test_weights_are_found_again_and_take_error_off_for_others():
    said, rows = world(60)
    learned = stated.learn(said, rows, NAMES)

    assert learned.chance == 1 / (1 + stated.EXCHANGES)
    assert learned.weights.liked == pytest.approx(2.0, abs=0.3)
    assert learned.weights.disliked == pytest.approx(2.0, abs=0.3)
    assert 0.1 < learned.gain < 0.5
    assert learned.end_users == 60
    assert Weights.from_json(learned.to_json()).liked == pytest.approx(learned.weights.liked, abs=1e-4)


def test_texts_of_others_and_what_is_known_already_teach_nothing():
    said, rows = world(60)
    others = dataclasses.replace(said, held=[said.held[0], *said.held[2:], said.held[1]])
    known = dataclasses.replace(rows, logit=rows.logit + said.columns_of(rows.text, rows.item) @ [2.0, 2.0])

    for learned in (stated.learn(others, rows, NAMES), stated.learn(said, known, NAMES)):
        assert learned.chance > CHANCE
        assert (learned.weights.liked, learned.weights.disliked, learned.gain) == (0, 0, 0)


def test_texts_read_backwards_never_turn_a_sign():
    said, rows = world(60, weight=-2.0)
    learned = stated.learn(said, rows, NAMES)
    assert (learned.weights.liked, learned.weights.disliked) == (0, 0)


@pytest.mark.parametrize("end_users", [5, 10, 20, 40, 80])
def test_texts_of_others_are_taken_hardly_ever(end_users):
    """At most as often as chance explains: 28 of 400 deals of everybody's texts have probability .003 at CHANCE."""
    said, rows = world(2 * end_users)
    sums = stated.exchanged(said, rows)
    taken = 0
    for number in range(400):
        order = np.random.default_rng(number).permutation(2 * end_users)
        people, others = order[:end_users], order[end_users:]
        taken += stated.chance(sums[np.ix_(others, people)], exchanges=199, seed=number) <= CHANCE
    assert taken <= 28


def test_the_deal_that_was_made_is_one_of_all():
    assert stated.chance(np.ones((6, 6))) == 1.0
    assert stated.chance(np.eye(30), exchanges=99) == 0.01


def test_of_several_texts_each_stands_for_the_one_of_its_turn():
    said = held(
        about(0, opinion(0, "likes"), as_of=0),
        about(0, opinion(1, "likes"), as_of=5),
        about(1, opinion(2, "likes"), as_of=0),
    )
    rows = Answered(
        np.array([0, 0, 1]), np.array([1, 2, 3]), np.array([0, 1, 2]), np.zeros(3), np.array([1.0, 1.0, 1.0])
    )
    sums = stated.exchanged(said, rows)
    np.testing.assert_allclose(np.diag(sums), [1.0, 0.5])  # residuals of .5 each, all met by their own texts
    np.testing.assert_allclose(sums[0, 1], 0.0)
    swapped = dataclasses.replace(rows, item=np.array([2, 2, 1]))
    np.testing.assert_allclose(stated.exchanged(said, swapped), [[0.0, 0.0], [1.0, 0.0]])


weights = st.builds(Weights, st.floats(0, 3), st.floats(0, 3), st.booleans())
opinions = st.tuples(
    st.lists(st.integers(0, 9), min_size=1, unique=True), st.booleans(), st.floats(0.05, 1), st.booleans()
)


@given(st.lists(opinions, max_size=6), opinions, weights)
def test_one_more_like_never_lowers_and_one_more_dislike_never_raises(before, more, weight):
    def of(said):
        texts = [[], [Held(np.array(sorted(places)), *rest) for places, *rest in said]]
        return Stated(texts, {0: [1]}, 10).offset(1, weight)

    without, with_it = of(before), of([*before, more])
    places, likes = more[0], more[1]
    assert np.abs(with_it).max(initial=0.0) <= MOST
    assert (((with_it - without) if likes else (without - with_it)) >= -1e-12).all()
    np.testing.assert_allclose(np.delete(with_it, places), np.delete(without, places))
    scores = np.linspace(0.0, 1.0, 10)
    moved = stated.moved(scores, with_it) - stated.moved(scores, without)
    assert ((moved if likes else -moved) >= -1e-8).all()  # odds of 0 and 1 are cut at 1e-9
