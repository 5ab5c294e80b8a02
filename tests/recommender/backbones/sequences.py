"""Sequence backbones on their own: no match, no signals, no knowledge."""

import torch
from torch.nn import functional

from recommender.backbones.batch import InputSizes, SideFields
from recommender.backbones.registry import make
from recommender.recipe import TrainConfig

SIZES = InputSizes(items=40, item_ids=40, tokens=6, tokens_per_item=2, feedback=8)
NOTHING = SideFields(*[None] * len(SideFields._fields))


def made(backbone, **choices):
    torch.manual_seed(3)
    network = make(SIZES, TrainConfig(backbone=backbone, embedding=4, match=False, dropout=0.0, **choices))
    network.items.describe(
        id_of=torch.arange(SIZES.items), tokens_of=torch.randint(0, SIZES.tokens, (SIZES.items, SIZES.tokens_per_item))
    )
    return network


def logits(network, item, history, feedback):
    return network.score(item, history, feedback, network.items(), NOTHING)


def histories(length, count=6, candidates=5, seed=0):
    """Items (count, candidates), histories (count, length) of very different lengths, feedback."""
    source = torch.Generator().manual_seed(seed)
    item = torch.randint(2, SIZES.items, (count, candidates), generator=source)
    history = torch.randint(2, SIZES.items, (count, length), generator=source)
    history[torch.arange(length) < torch.linspace(0, length, count).long().unsqueeze(1)] = 0
    feedback = torch.randint(1, SIZES.feedback, history.shape, generator=source) * (history > 0)
    return item, history, feedback


def without(column, place):
    """A history without the entry at `place`: the others move up, as they would have had it never happened."""
    shorter = torch.cat([column[:, :place], column[:, place + 1 :]], dim=1)
    return torch.cat([torch.zeros_like(column[:, :1]), shorter], dim=1)


def loss_after_learning_an_order(backbone, steps=150):
    """Cross entropy on fresh rows that ask whether item 2 came before item 3: what is in a history says nothing."""
    network = made(backbone)
    source = torch.Generator().manual_seed(1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.02)
    item, feedback = torch.full((128, 1), 9), torch.full((128, 6), 3)
    losses = []
    for _ in range(steps):
        history = 2 + torch.rand(128, 6, generator=source).argsort(dim=1)
        before = ((history == 2).int().argmax(dim=1) < (history == 3).int().argmax(dim=1)).float()
        loss = functional.binary_cross_entropy_with_logits(logits(network, item, history, feedback).squeeze(1), before)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses[-5:]) / 5
