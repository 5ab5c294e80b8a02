from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from recommender.training.sources import Memory
from tests.recommender.training.fitting import SMALL, fitted


@pytest.fixture(scope="module")
def examples():
    made = fitted(SMALL.but(epochs=1)).examples
    return replace(made, signals=np.arange(len(made.signals), dtype=np.float32)[:, None])  # tells rows apart


def dealt(source, size):
    return [part.batch.signals[:, 0, 0].int().tolist() for part in source.epoch(size)]


@pytest.mark.parametrize("grouped", [1, 5, 1000])
def test_an_epoch_deals_every_row_once_in_another_order_each_time(examples, grouped):
    rows = np.arange(3, len(examples.before), 2)
    source = Memory(examples, rows, seed=1, grouped=grouped)
    one, other = dealt(source, 64), dealt(source, 64)

    assert [len(batch) for batch in one[:-1]] == [64] * (len(rows) // 64)
    assert np.sort(np.concatenate(one)).tolist() == np.sort(np.concatenate(other)).tolist() == rows.tolist()
    assert one != other


def test_grouped_rows_of_an_end_user_come_together_but_not_their_groups(examples):
    source = Memory(examples, np.arange(len(examples.before)), seed=1, grouped=4)
    order = np.concatenate(dealt(source, 64))
    end_user = examples.interactions.end_user[order]  # 24 rows each: groups of 4 throughout

    assert all(len(set(four)) == 1 for four in end_user.reshape(-1, 4).tolist())
    assert Counter(end_user[:48].tolist()).most_common(1)[0][1] < 24
    assert (np.diff(order.reshape(-1, 4)) != 1).any()  # nor in their own order


def test_no_rows_are_no_batches(examples):
    for grouped in (1, 4):
        assert dealt(Memory(examples, np.arange(0), seed=1, grouped=grouped), 8) == []
