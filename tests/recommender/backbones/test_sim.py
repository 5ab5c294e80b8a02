import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recommender.backbones import sim
from tests.recommender.backbones.sequences import SIZES, histories, logits, loss_after_learning_an_order, made

LONG = 60  # more than are found


@pytest.fixture
def network():
    return made("sim").eval()


def test_how_long_ago_something_was_is_learned_where_the_items_say_nothing():
    assert loss_after_learning_an_order("sim") < 0.4


@given(st.lists(st.integers(0, SIZES.items - 1), min_size=1, max_size=LONG), st.integers(2, SIZES.items - 1))
def test_the_search_finds_the_nearest_items_and_among_equals_the_latest(history, candidate):
    table = torch.randn(SIZES.items, 8, generator=torch.Generator().manual_seed(0))
    table[20:] = table[:20]  # many items look alike
    found = sim.search(torch.tensor([[candidate]]), torch.tensor([history]), table)[0, 0].tolist()
    unit = torch.nn.functional.normalize(table.double(), dim=1)
    nearness = [float(unit[one] @ unit[candidate]) for one in history]
    there = [place for place, one in enumerate(history) if one]
    expected = sorted(there, key=lambda place: (-round(nearness[place], 5), -place))

    assert found[: len(there)] == expected[: sim.FOUND]
    assert len(found) == min(sim.FOUND, len(history))


def test_no_entry_that_was_not_found_changes_a_score(network):
    item, history, feedback = histories(LONG, count=4, candidates=1)
    places = sim.search(item, history, network.items().detach()).squeeze(1)
    unused = torch.ones_like(history).scatter_(1, places, 0) * (history > 0)
    other = torch.where(unused > 0, 1 + feedback % (SIZES.feedback - 1), feedback)

    assert (other != feedback).any()
    assert torch.equal(logits(network, item, history, other), logits(network, item, history, feedback))


def test_padding_a_long_history_changes_nothing(network):
    item, history, feedback = histories(LONG)
    nothing = torch.zeros(len(item), 25, dtype=torch.int64)
    padded = [torch.cat([nothing, column], dim=1) for column in (history, feedback)]

    torch.testing.assert_close(logits(network, item, *padded), logits(network, item, history, feedback))


def test_a_batch_of_one_chooses_as_a_batch_of_many(network, monkeypatch):
    monkeypatch.setattr(sim, "CONTEXTS_AT_A_TIME", 4)
    item, history, feedback = histories(LONG, count=11)
    many = logits(network, item, history, feedback)
    alone = [
        logits(network, item[b : b + 1, n : n + 1], history[b : b + 1], feedback[b : b + 1])
        for b in range(len(item))
        for n in range(item.shape[1])
    ]

    torch.testing.assert_close(torch.cat(alone).view_as(many), many, atol=1e-6, rtol=0)


def test_ages_are_counted_from_the_end_in_doubling_steps():
    ages = sim._ages(600, torch.device("cpu")).flip(0).tolist()

    assert ages[:9] == [0, 1, 2, 2, 3, 3, 3, 3, 4]
    assert [ages.index(age) + 1 for age in range(sim.AGES)] == [1, 2, 3, 5, 9, 17, 33, 65, 129, 257, 513]
