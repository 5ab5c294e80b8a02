"""The recurrence against torch's own, which sees the histories without their padding."""

import torch
from torch import nn

from recommender.backbones.recurrence import Recurrence
from tests.oracles import weights, whole


def test_torch_reads_the_same_states_out_of_unpadded_histories():
    network, given, seen = whole.ours("gru4rec"), whole.batch(), []
    network.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(given)
    width = network.items.width
    past = network.items()[given.history_item] + network.feedback(given.history_feedback)
    theirs = to_torch(network.reader)
    for b, history in enumerate(given.history_item):
        there = history != 0
        states, _ = theirs(past[b][there].unsqueeze(0))
        candidate = network.items()[given.item[b]]
        means = torch.cat([past[b][there].mean(dim=0), states[0].mean(dim=0)]).expand(len(candidate), -1)

        weights.same(seen[0][b], torch.cat([candidate, candidate * states[0, -1], means], dim=1))
        assert seen[0].shape[-1] == 4 * width


def to_torch(ours: Recurrence) -> nn.GRU:
    """The same recurrence as torch's layer: its gate z is one less our update, so those weights change their sign."""
    theirs = nn.GRU(ours.of_input.in_features, ours.width, batch_first=True)
    sign = torch.ones(3, ours.width)
    sign[1] = -1
    sign = sign.flatten()
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(ours.of_input.weight * sign.unsqueeze(1))
        theirs.weight_hh_l0.copy_(ours.of_state.weight * sign.unsqueeze(1))
        theirs.bias_ih_l0.copy_(ours.of_input.bias * sign)
        theirs.bias_hh_l0.copy_(ours.of_state.bias * sign)
    return theirs
