import pytest
import torch

from tests.recommender.backbones.sequences import histories, logits, loss_after_learning_an_order, made, without

KINDS = pytest.mark.parametrize("kind", ["dien", "dien_augru"])


@KINDS
def test_the_order_of_a_history_is_learned_where_its_items_say_nothing(kind):
    assert loss_after_learning_an_order(kind) < 0.1


@KINDS
@pytest.mark.parametrize("place", [0, 3, 5])
def test_padding_within_a_history_is_as_if_the_entry_had_never_been(kind, place):
    network, (item, history, feedback) = made(kind).eval(), histories(6)
    blank = torch.arange(6) != place

    torch.testing.assert_close(
        logits(network, item, history * blank, feedback * blank),
        logits(network, item, without(history, place), without(feedback, place)),
        atol=1e-6,
        rtol=0,
    )


@KINDS
def test_the_history_is_read_once_and_its_evolution_for_each_candidate(kind):
    network, (item, history, feedback) = made(kind).eval(), histories(6)
    extracted, evolved = [], []
    for recurrence, shapes in ((network.extraction, extracted), (network.evolution, evolved)):
        recurrence.of_state.register_forward_hook(lambda _, inputs, __, kept=shapes: kept.append(inputs[0].shape))
    logits(network, item, history, feedback)

    width = network.items.width
    assert extracted == [(6, width)] * 6
    assert evolved == [(6, 5, width)] * 6


def test_attention_decides_how_far_each_past_item_moves_the_interest():
    """AUGRU, softmax: what the candidate has nothing to do with leaves the state nearly as it was."""
    network = made("dien_augru").eval()
    interests = torch.randn(1, 3, network.items.width)
    with torch.no_grad():
        network.resemblance.weight.copy_(1000 * torch.eye(network.items.width))
    candidate = interests[:, 1:2]
    there = torch.ones(1, 3)
    moved = interests.clone()
    moved[:, 2] *= 0.1  # still unlike the candidate
    only = network.evolution.last(network.evolution.say(interests[:, None, 1:2]), torch.ones(1, 1, 1))

    for seen in (interests, moved):
        torch.testing.assert_close(network.evolve(candidate, seen, there), only, atol=1e-5, rtol=0)
