import pytest
import torch

from tests.recommender.backbones.sequences import histories, logits, loss_after_learning_an_order, made, without


def test_the_order_of_a_history_is_learned_where_its_items_say_nothing():
    assert loss_after_learning_an_order("gru4rec") < 0.1
    assert loss_after_learning_an_order("din") > 0.6


@pytest.mark.parametrize("place", [0, 3, 5])
def test_padding_within_a_history_is_as_if_the_entry_had_never_been(place):
    """What leaving an entry out to explain a score relies on."""
    network, (item, history, feedback) = made("gru4rec").eval(), histories(6)
    blank = torch.arange(6) != place

    torch.testing.assert_close(
        logits(network, item, history * blank, feedback * blank),
        logits(network, item, without(history, place), without(feedback, place)),
        atol=1e-6,
        rtol=0,
    )


def test_the_averages_are_over_the_items_that_exist():
    """One item behind three slots of padding: the means are its vector and the state after it."""
    network = made("gru4rec").eval()
    history, feedback = torch.tensor([[0, 0, 0, 7]]), torch.tensor([[0, 0, 0, 2]])
    seen = []
    network.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    logits(network, torch.tensor([[9]]), history, feedback)
    table = network.items()
    past = table[7] + network.feedback.weight[2]
    state = network.reader.states(network.reader.say(past.view(1, 1, -1)), torch.ones(1, 1))[0, 0]

    torch.testing.assert_close(seen[0][0, 0], torch.cat([table[9], table[9] * state, past, state]))
