"""Maximal marginal relevance, against its definition, and lists that are set apart by it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from recommender.models import Catalog
from recommender.serving.diversity import mmr
from recommender.serving.recommend import recommend
from recommender.serving.wish import Wish
from recommender.statements import aspects
from tests.builders import make_catalog, make_end_user, make_interaction, make_item

numbers = st.floats(-5, 5).map(lambda number: round(number, 2))
relevances = arrays(np.float64, st.integers(0, 8), elements=numbers)


def described(seed: int, rows: int) -> NDArray[np.float64]:
    vectors = np.random.default_rng(seed).normal(size=(rows, 3))
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


@given(relevances, st.integers(0, 99), st.floats(0, 1))
def test_each_step_takes_what_the_formula_values_most(
    relevance: NDArray[np.float64], seed: int, diversity: float
) -> None:
    vectors = described(seed, len(relevance))
    found = mmr(relevance, vectors, diversity=diversity, count=len(relevance)).tolist()
    assert sorted(found) == list(range(len(relevance)))
    low, high = (relevance.min(), relevance.max()) if len(relevance) else (0.0, 0.0)
    scaled = (relevance - low) / (high - low) if high > low else np.ones(len(relevance))
    for step, taken in enumerate(found):
        worth = {
            row: (1 - diversity) * scaled[row]
            - diversity * max((float(vectors[row] @ vectors[other]) for other in found[:step]), default=0.0)
            for row in found[step:]
        }
        assert worth[taken] >= max(worth.values()) - 1e-9


@given(relevances, st.integers(0, 99))
def test_without_diversity_the_best_come_first(relevance: NDArray[np.float64], seed: int) -> None:
    found = mmr(relevance, described(seed, len(relevance)), diversity=0.0, count=3)
    assert found.tolist() == np.argsort(-relevance, kind="stable")[:3].tolist()


def test_huge_and_equal_scores_do_no_harm() -> None:
    vectors = np.eye(3)
    assert mmr(np.array([-1e308, 1e308, 0.0]), vectors, diversity=0.3, count=9).tolist() == [1, 2, 0]
    assert mmr(np.full(3, 7.0), vectors, diversity=1.0, count=2).tolist() == [0, 1]


@pytest.fixture
def mostly_dramas(db: None) -> Catalog:
    """Five dramas that many met, then two comedies that fewer did."""
    aspects.KEPT.clear()
    catalog = make_catalog()
    for number in range(7):
        item = make_item(catalog, external_id=f"{number}", genres=["Drama"] if number < 5 else ["Comedy"])
        for _ in range(9 - number):
            make_interaction(make_end_user(catalog), item)
    return catalog


@pytest.mark.parametrize(("diversity", "ids"), [(0.0, "012"), (0.5, "051"), (1.0, "051")])
def test_a_diverse_list_brings_another_genre_in(mostly_dramas: Catalog, diversity: float, ids: str) -> None:
    wish = Wish("backbone", diversity=diversity)
    served = recommend(make_end_user(mostly_dramas), limit=3, wish=wish, keep=False)
    assert "".join(item.item_id for item in served.items) == ids
