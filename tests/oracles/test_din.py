"""The peers concatenate [candidate, past, their difference, their product]; ours is split, the difference folded in.

torch-rechub has no mask: its padding counts for nothing only because its embedding is zeros, so ours is too there.
"""

import torch
from torch import nn

from recommender.backbones.attention import ActivationUnit
from recommender.recipe import TrainConfig
from tests.oracles import sequences, weights, whole

WIDTH, UNITS = sequences.ITEM_WIDTH, (7, 5)


def split(concatenated, ours):
    """Give our first layer the peer's weights (F, 4W) and bias."""
    candidate, past, difference, product = concatenated.weight.detach().split(WIDTH, dim=1)
    with torch.no_grad():
        ours.of_candidate.weight.copy_(candidate + difference)
        ours.of_candidate.bias.copy_(concatenated.bias)
        ours.of_past.weight.copy_(past - difference)
        ours.of_product.weight.copy_(product)


def linear(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)]


def copy_attention(theirs, ours, rest):
    """From the peer's perceptron to our split one, whose layers after the first are `rest`."""
    first, *others = linear(theirs)
    split(first, ours)
    weights.copy(nn.Sequential(*others), rest)


def bare():
    """A DIN and a batch, and what stands before its head: (B, N, 2W)."""
    network, given, seen = whole.ours("din"), whole.batch(), []
    network.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    return network, given, seen


def test_fuxictr_weighs_and_sums_a_padded_history_alike(fuxictr):
    network, given, seen = bare()
    theirs = fuxictr.DIN_Attention(WIDTH, list(TrainConfig().attention))
    weights.varied(theirs)
    copy_attention(theirs.attention_layer, network, network.attention)
    network(given)
    past = network.past(network.items()[given.history_item]) + network.feedback(given.history_feedback)
    for place, item in enumerate(given.item.unbind(1)):
        expected = theirs(network.items()[item], past, given.history_item != 0)
        weights.same(seen[0][:, place, WIDTH:], expected)


def test_the_activation_unit_that_dien_and_sim_use_weighs_as_fuxictrs(fuxictr):
    torch.manual_seed(1)
    ours, theirs = ActivationUnit(WIDTH, UNITS), fuxictr.DIN_Attention(WIDTH, list(UNITS))
    weights.varied(theirs)
    copy_attention(theirs.attention_layer, ours, ours.rest)
    candidate, past = torch.randn(4, 3, WIDTH), torch.randn(4, 6, WIDTH)
    weight = ours(candidate, past.unsqueeze(1))
    for place in range(3):
        weights.same((weight @ past)[:, place], theirs(candidate[:, place], past))


def test_torch_rechub_gives_the_same_probabilities_but_for_dice_and_batch_norm(rechub):
    network, given, _ = bare()
    dice = rechub.basic.activation.Dice
    nothing, (past,), target = sequences.features(rechub, "past")
    attention = {"dims": list(TrainConfig().attention), "activation": "relu"}
    theirs = rechub.models.ranking.DIN(nothing, past, target, {"dims": list(whole.HEAD)}, attention).eval()
    weights.varied(theirs)
    with torch.no_grad():
        network.items.ids.weight[0] = 0.0
        network.items.tokens_of[0] = 0
    sequences.embed(network, theirs)
    copy_attention(weights.without_batch_norm(theirs.attention_layers[0].attention), network, network.attention)
    sequences.copy_head(network.head, theirs.mlp, dice)
    with torch.no_grad():
        network.past.weight.copy_(torch.eye(WIDTH))
        network.feedback.weight.zero_()

    weights.same(network(given).flatten().sigmoid(), theirs(sequences.inputs(given, "past")))
