"""A whole sequence model beside torch-rechub's: one history of items, looked up in the same table.

The peer's histories are padded at the end, hold no feedback, and its perceptrons have Dice and batch normalisation,
which become ReLU and nothing here. It insists on one more field, whose embedding is zeros.
"""

from types import ModuleType

import torch
from torch import Tensor, nn

from recommender.backbones.base import Backbone
from recommender.backbones.batch import Batch
from tests.oracles import weights, whole

ITEM_WIDTH = 2 * whole.WIDTH


def features(rechub: ModuleType, *histories: str) -> tuple[list[object], list[list[object]], list[object]]:
    """The needless field, each history and the candidate, in torch-rechub's words."""
    of = rechub.basic.features
    past = {"embed_dim": ITEM_WIDTH, "pooling": "concat", "shared_with": "item", "padding_idx": 0}
    return (
        [of.SparseFeature("nothing", 2, ITEM_WIDTH)],
        [[of.SequenceFeature(name, whole.SIZES.items, **past)] for name in histories],
        [of.SparseFeature("item", whole.SIZES.items, ITEM_WIDTH)],
    )


def inputs(given: Batch, *histories: str) -> dict[str, Tensor]:
    """What those features read: a row for each candidate, each with its context's history, padding last."""
    columns = padded_last(given.history_item, given.history_item).repeat_interleave(given.item.shape[1], dim=0)
    item = given.item.flatten()
    return {"item": item, "nothing": torch.zeros_like(item)} | dict.fromkeys(histories, columns)


def padded_last(values: Tensor, history_item: Tensor) -> Tensor:
    """Values (B, L, …) of histories that are padded at the left, with the padding moved to the right."""
    order = (history_item == 0).long().argsort(dim=1, stable=True)
    return torch.stack([row[places] for row, places in zip(values, order, strict=True)])


def embed(source: Backbone, peer: nn.Module) -> None:
    with torch.no_grad():
        peer.embedding.embed_dict["item"].weight.copy_(source.items())
        peer.embedding.embed_dict["nothing"].weight.zero_()


def without_dice(network: nn.Module, dice: type[nn.Module]) -> nn.Module:
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, dice):
                setattr(module, name, nn.ReLU())
    return network


def copy_head(source: nn.Module, target: nn.Module, dice: type[nn.Module]) -> None:
    """Our head reads candidate and interest; the peer's interest, candidate and the needless field."""
    weights.copy(
        nn.Sequential(_turned(source[0]), *list(source)[1:]), weights.without_batch_norm(without_dice(target, dice))
    )


def _turned(layer: nn.Linear) -> nn.Linear:
    candidate, interest = layer.weight.detach().split(ITEM_WIDTH, dim=1)
    turned = nn.Linear(3 * ITEM_WIDTH, layer.out_features)
    with torch.no_grad():
        turned.weight.copy_(torch.cat([interest, candidate, torch.zeros_like(candidate)], dim=1))
        turned.bias.copy_(layer.bias)
    return turned
