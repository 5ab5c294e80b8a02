"""Which rows a step sees: every row once before any again, by a share, and the same again after a stop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.thinkrec.tuning.sampler import Sampler

SIZES = st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(any)


@given(sizes=SIZES, share=st.floats(0, 1), seed=st.integers(0, 99), count=st.integers(1, 4), until=st.integers(0, 20))
def test_one_that_is_stopped_anywhere_goes_on_as_one_that_is_not(
    sizes: tuple[int, int], share: float, seed: int, count: int, until: int
) -> None:
    whole = Sampler(sizes, share=share, seed=seed)
    wanted = [whole.next(count) for _ in range(until + 10)]
    stopped = Sampler(sizes, share=share, seed=seed)
    assert [stopped.next(count) for _ in range(until)] == wanted[:until]
    later = Sampler(sizes, share=share, seed=seed + 1)
    later.restore(stopped.state())
    assert [later.next(count) for _ in range(10)] == wanted[until:]


@given(sizes=SIZES, seed=st.integers(0, 99))
def test_every_row_of_a_kind_comes_once_before_any_comes_again(sizes: tuple[int, int], seed: int) -> None:
    sampler = Sampler(sizes, share=0.5, seed=seed)
    seen: list[list[int]] = [[], []]
    for _ in range(40):
        kind, places = sampler.next(1)
        seen[kind] += places
    for size, places in zip(sizes, seen, strict=True):
        for start in range(0, len(places) - size + 1, max(size, 1)):
            assert sorted(places[start : start + size]) == list(range(size))


def test_a_fifth_of_the_steps_is_on_traces() -> None:
    sampler = Sampler((100, 100), share=0.2, seed=0)
    assert 0.18 < sum(sampler.next(1)[0] for _ in range(5000)) / 5000 < 0.22


@pytest.mark.parametrize(("sizes", "kind"), [((3, 0), 0), ((0, 3), 1)])
def test_where_one_kind_has_no_rows_every_step_is_of_the_other(sizes: tuple[int, int], kind: int) -> None:
    sampler = Sampler(sizes, share=0.5, seed=0)
    assert {sampler.next(2)[0] for _ in range(50)} == {kind}


def test_there_must_be_a_row() -> None:
    with pytest.raises(ValueError, match="There must be a row"):
        Sampler((0, 0), share=0.5, seed=0)
