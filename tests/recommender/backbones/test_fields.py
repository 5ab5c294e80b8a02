"""How field models read their inputs, and that each of them learns what no single field tells."""

import pytest
import torch
from torch.nn import functional

from recommender.backbones.batch import Batch, InputSizes, SideFields, SideWidths
from recommender.backbones.fields import FieldReader
from recommender.backbones.registry import make
from recommender.recipe import TrainConfig

FIELD_MODELS = ("dcn", "dcnv2", "deepfm", "xdeepfm", "autoint", "fibinet", "fignn", "finalmlp")
SIZES = InputSizes(items=10, item_ids=10, tokens=3, tokens_per_item=1, feedback=6)
E, K, M = 4, 5, 3
B, N = 2, 3


def reader(*, side_fields, side=None):
    torch.manual_seed(1)
    return FieldReader(SIZES, TrainConfig(embedding=E), side or SideWidths(0, 0), side_fields=side_fields)


def read(made, *, history, feedback, side=None):
    table = torch.arange(SIZES.items * 2 * E, dtype=torch.float32).view(-1, 2 * E) + 1  # no zeros, not even for padding
    item = torch.tensor([[3, 4, 5]] * len(history))
    side = side or SideFields(None, None, None, None, None)
    return table, made(item, torch.tensor(history), torch.tensor(feedback), table, side)


@pytest.mark.parametrize("training", [True, False])
def test_fields_are_the_candidates_and_the_means_of_a_history_without_its_padding(training):
    made = reader(side_fields=False).train(training)
    table, (fields, flat) = read(made, history=[[0, 2, 6], [0, 0, 0]], feedback=[[0, 4, 5], [0, 0, 0]])
    past, feedback = (table[2] + table[6]) / 2, made.feedback.weight[4:6].mean(dim=0)

    assert fields.shape == (2, 3, 5, E)
    torch.testing.assert_close(fields[0, 1].flatten(), torch.cat([table[4], past, feedback]))
    torch.testing.assert_close(fields[1, 2].flatten(), torch.cat([table[5], torch.zeros(3 * E)]))
    assert torch.equal(flat, fields.flatten(2))


def beside():
    knowledge = torch.randn(B, K), torch.randn(B, N, K)
    return SideFields(*knowledge, torch.randn(B, N, 1), torch.randn(B, N, M - 1), None)


def test_knowledge_and_numbers_become_fields_where_the_architecture_has_only_fields():
    made, side = reader(side_fields=True, side=SideWidths(K, M)), beside()
    _, (fields, flat) = read(made, history=[[2]] * B, feedback=[[4]] * B, side=side)
    numbers = torch.cat([side.match, side.signals], dim=-1)

    assert fields.shape == (B, N, made.count, E) == (B, N, 8, E)
    torch.testing.assert_close(fields[:, 0, 5], made.of_end_user(side.end_user))
    torch.testing.assert_close(fields[:, :, 6], made.of_item(side.item))
    torch.testing.assert_close(fields[:, :, 7], made.of_numbers(numbers))
    assert flat.shape[-1] == made.flat
    torch.testing.assert_close(flat, torch.cat([fields.flatten(2), numbers], dim=-1))


def test_knowledge_and_numbers_stay_as_they_are_elsewhere():
    made, side = reader(side_fields=False, side=SideWidths(K, M)), beside()
    _, (fields, flat) = read(made, history=[[2]] * B, feedback=[[4]] * B, side=side)

    assert fields.shape == (B, N, 5, E)
    assert flat.shape[-1] == made.flat
    assert torch.equal(flat[0, 1, 5 * E :], torch.cat([side.end_user[0], *(part[0, 1] for part in side[1:4])]))


@pytest.mark.parametrize("backbone", FIELD_MODELS)
def test_a_field_model_learns_that_only_like_suits_like(backbone):
    """Liked where candidate and history are of one of two kinds: no field alone says anything about that."""
    torch.manual_seed(2)
    config = TrainConfig(backbone=backbone, embedding=8, head=(16, 8), dropout=0.0, match=False)
    network = make(SIZES, config).train()
    kind = torch.arange(SIZES.items) % 2
    network.items.describe(id_of=torch.arange(SIZES.items), tokens_of=(1 + kind).unsqueeze(1))
    item, past = torch.randint(2, SIZES.items, (256, 1)), torch.randint(1, 5, (256, 3)) * 2
    past = past + torch.randint(0, 2, (256, 1))  # each history is of one kind
    nothing = torch.zeros(256, 1, dtype=torch.int64)
    given = Batch(item, past, torch.full_like(past, 4), nothing[:, 0], nothing, torch.zeros(256, 1, 0), nothing)
    liked = (kind[item] == kind[past[:, :1]]).float()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        losses.append(functional.binary_cross_entropy_with_logits(network(given), liked))
        losses[-1].backward()
        optimizer.step()

    assert losses[0] > 0.6
    assert losses[-1] < 0.1
