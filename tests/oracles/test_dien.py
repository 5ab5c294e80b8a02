"""Evolution of interests: the peers read packed histories without padding, ours reads it and stays as it was."""

import importlib.util
import sys
from types import ModuleType

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from recommender.backbones.recurrence import Recurrence
from recommender.recipe import TrainConfig
from tests.oracles import sequences, weights, whole
from tests.oracles.test_din import copy_attention
from tests.oracles.test_gru4rec import to_torch

WIDTH, LENGTHS = 6, [5, 3, 1]
OURS = {"reset": 0, "update": 1, "new": 2}  # blocks of rows


@pytest.fixture
def fuxictr_dien(fuxictr):
    """The file of fuxictr's DIEN: its layers need neither its base class nor what that imports."""
    package = importlib.util.find_spec("model_zoo")
    base = ModuleType("fuxictr.pytorch.models")
    base.BaseModel = nn.Module
    absent = {base.__name__: base, "fuxictr.utils": ModuleType("fuxictr.utils")}
    absent["fuxictr.utils"].not_in_whitelist = None
    sys.modules.update(absent)
    try:
        (folder,) = package.submodule_search_locations
        spec = importlib.util.spec_from_file_location("fuxictr_dien", f"{folder}/LongCTR/DIEN/DIEN.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        for name in absent:
            del sys.modules[name]
    return module


def histories():
    """Inputs (3, 5, W) and strengths (3, 5) of histories of different lengths, once padded last and once first."""
    torch.manual_seed(2)
    there = torch.arange(5) < torch.tensor(LENGTHS).unsqueeze(1)
    inputs, strength = torch.randn(3, 5, WIDTH), torch.rand(3, 5) * there
    moved = [
        torch.stack([row.roll(5 - n, dims=0) for row, n in zip(one, LENGTHS, strict=True)])
        for one in (inputs, strength)
    ]
    return (inputs, strength), moved


def varied():
    ours = Recurrence(WIDTH, WIDTH)
    weights.varied(ours)
    return ours


def blocks(parameter, *names):
    parts = parameter.detach().chunk(3)
    return torch.cat([parts[OURS[name]] for name in names])


def test_fuxictr_updates_a_state_by_attention_alike(fuxictr_dien):
    ours, theirs = varied(), fuxictr_dien.DynamicGRU(WIDTH, WIDTH, gru_type="AUGRU")
    order = ("update", "reset", "new")
    with torch.no_grad():
        for one, other in ((ours.of_input, theirs.gru_cell.x2h), (ours.of_state, theirs.gru_cell.h2h)):
            other.weight.copy_(blocks(one.weight, *order))
            other.bias.copy_(blocks(one.bias, *order))
    (inputs, strength), (padded, padded_strength) = histories()
    packed = [pack_padded_sequence(one, LENGTHS, batch_first=True, enforce_sorted=False) for one in (inputs, strength)]
    _, expected = theirs(*packed)

    weights.same(ours.last(ours.say(padded), padded_strength), expected)


def test_torch_rechub_gives_the_same_probabilities_but_for_dice_and_batch_norm(rechub):
    """AUGRU with the paper's softmax. The peer has one bias for each gate where ours, as torch, has two."""
    network, given = whole.ours("dien_augru"), whole.batch()
    names = ("past", "not_met")  # the second is for the auxiliary loss, which is not compared
    nothing, (past, not_met), target = sequences.features(rechub, *names)
    theirs = rechub.models.ranking.DIEN(nothing, past, not_met, target, {"dims": list(whole.HEAD)}).eval()
    weights.varied(theirs)
    sequences.embed(network, theirs)
    sequences.copy_head(network.head, theirs.mlp, rechub.basic.activation.Dice)
    with torch.no_grad():
        network.feedback.weight.zero_()
        theirs.interest_extractor_layers[0].load_state_dict(to_torch(network.extraction).state_dict())
        (evolving,) = theirs.interest_evolving_layers
        evolving.Wa.copy_(network.resemblance.weight.T)
        network.evolution.of_state.bias.zero_()
        cell = evolving.augru_cell
        for name, letter in (("reset", "r"), ("update", "u"), ("new", "h")):
            getattr(cell, f"W{letter}").copy_(blocks(network.evolution.of_input.weight, name).T)
            getattr(cell, f"U{letter}").copy_(blocks(network.evolution.of_state.weight, name).T)
            getattr(cell, f"b{letter}").copy_(blocks(network.evolution.of_input.bias, name).unsqueeze(0))
    probability, _ = theirs(sequences.inputs(given, *names))

    weights.same(network(given).flatten().sigmoid(), probability)


def test_fuxictrs_attention_and_torchs_recurrence_make_the_same_aigru(fuxictr):
    network, given, seen = whole.ours("dien"), whole.batch(), []
    network.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    width = network.items.width
    attention = fuxictr.DIN_Attention(width, list(TrainConfig().attention))
    weights.varied(attention)
    copy_attention(attention.attention_layer, network.attention, network.attention.rest)
    extraction, evolution = to_torch(network.extraction), to_torch(network.evolution)
    network(given)
    past = network.items()[given.history_item] + network.feedback(given.history_feedback)
    for b, history in enumerate(given.history_item):
        interests, _ = extraction(past[b][history != 0].unsqueeze(0))
        for n, candidate in enumerate(network.items()[given.item[b]]):
            steps = interests.squeeze(0).unsqueeze(1)  # every step as a history of one: its weight times itself
            weighed = attention(candidate.expand(len(steps), -1), steps).unsqueeze(0)
            _, last = evolution(weighed)

            weights.same(seen[0][b, n, width:], last[0, 0])
