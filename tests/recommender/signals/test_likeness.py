"""Which items the same people like: told apart from what all items share, and less where little is known."""

import numpy as np

from recommender.signals.factors import Likes, fit, likeness

GENERATED = np.random.default_rng(0)


def test_what_all_items_share_makes_none_alike_and_little_knowledge_less() -> None:
    east, west = np.array([0.0, 0.3, 0.0]), np.array([0.0, -0.3, 0.0])
    shared = np.array([5.0, 0.0, 0.0])
    known = [shared + east, shared + east, shared + west, shared + west]
    little = shared + east / 20
    vectors = likeness(np.array([*known, little], dtype=np.float32))
    near, far, hardly = vectors[0] @ vectors[1], vectors[0] @ vectors[2], vectors[0] @ vectors[4]
    assert 0.3 < near < 1
    assert far < 0
    assert abs(hardly) < 0.5 * near


def test_neighbours_are_of_the_planted_group_and_scores_tell_near_from_far() -> None:
    """Half of the people like one half of the items and half of them the other; some like more of everything."""
    people, items, met = 200, 40, 20
    taste, generous = GENERATED.integers(0, 2, people), GENERATED.random(people)
    end_user = np.repeat(np.arange(people), met)
    item = np.concatenate([GENERATED.choice(items, met, replace=False) for _ in range(people)])
    chance = 0.15 + 0.3 * generous[end_user] + 0.4 * (taste[end_user] == item % 2)
    liked = (GENERATED.random(len(item)) < chance).astype(np.float64)
    found = fit(Likes(end_user, item, liked), items, [], collaborative=True, seed=0)
    vectors = likeness(found.factors[:-1])
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -1)
    order = np.argsort(-scores, axis=1)
    assert np.mean(order[:, :10] % 2 == np.arange(items)[:, None] % 2) > 0.95
    first, middle = (np.median(np.take_along_axis(scores, order[:, at : at + 1], 1)) for at in (0, items // 2))
    assert first > 0.3 > middle


def test_items_that_nothing_sets_apart_are_like_none() -> None:
    assert np.allclose(likeness(np.ones((3, 4), dtype=np.float32)), 0)
    assert likeness(np.empty((0, 4), dtype=np.float32)).shape == (0, 4)
