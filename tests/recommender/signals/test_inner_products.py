"""What a history speaks for: by the posterior mean exactly where items have factors alone, and by every space."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.signals.folds import FOLDS, fold_of
from recommender.signals.gaussian_process import GaussianProcess
from recommender.signals.protocol import Candidates

ITEMS, WIDTH = 12, 3
history = st.lists(
    st.tuples(st.integers(-1, ITEMS - 1), st.sampled_from([1, 0, -1])), max_size=8, unique_by=lambda pair: pair[0]
)


def process(seed: int, *, spaces: int = 0) -> GaussianProcess:
    source = np.random.default_rng(seed)
    mean = source.uniform(0, 1, (FOLDS, ITEMS + 1)).astype(np.float32)
    factors = source.normal(0, 0.4, (FOLDS, ITEMS + 1, WIDTH)).astype(np.float32)
    made = [source.normal(size=(ITEMS + 1, 2)).astype(np.float32) for _ in range(spaces)]
    return GaussianProcess(mean, factors, np.array([0]), made, [0.1] * spaces)


@given(seed=st.integers(0, 50), met=history, end_user=st.sampled_from(["", "u1", "ada"]))
def test_the_factors_product_is_the_posterior_mean_of_a_like(
    seed: int, met: list[tuple[int, int]], end_user: str
) -> None:
    made = process(seed)
    items, liked = (np.array([pair[side] for pair in met], dtype=np.int64) for side in (0, 1))
    everything = np.ones(ITEMS, dtype=np.bool_)
    (found,) = made.nearest(end_user, items, liked.astype(np.int8), mask=everything, count=ITEMS, then=ITEMS)
    asked = Candidates(end_user, items, liked.astype(np.int8), np.arange(ITEMS), 0, np.arange(ITEMS))
    expected = made.read(asked)[:, 0] / 4.0 + made.mean[fold_of(end_user), :ITEMS]  # its column is scaled by 4
    assert sorted(found.tolist()) == list(range(ITEMS))
    np.testing.assert_allclose(expected[found], np.sort(expected)[::-1], atol=2e-4)


def test_each_space_that_counts_has_its_product() -> None:
    made = process(3, spaces=2)
    liked = np.array([1], dtype=np.int8)
    mask = np.arange(ITEMS) != 4
    of_factors, *of_spaces = made.nearest("u1", np.array([4]), liked, mask=mask, count=5, then=3)
    assert len(of_factors) == 5
    assert len(of_spaces) == 2
    for space, found in zip(made.spaces, of_spaces, strict=True):
        products = space[:ITEMS] @ space[4]
        assert found.tolist() == [place for place in np.argsort(-products).tolist() if place != 4][:3]
