"""A whole field model beside torch-rechub's: the same embeddings, pooled by each side's own code.

Ours stands bare: without history match, signals, demographics and knowledge, which no peer has.
"""

from types import ModuleType

import torch
from torch import Tensor, nn

from recommender.backbones.base import Backbone
from recommender.backbones.batch import Batch, InputSizes, SideFields
from recommender.backbones.registry import make
from recommender.recipe import TrainConfig
from tests.oracles import weights

SIZES = InputSizes(items=12, item_ids=10, tokens=6, tokens_per_item=3, feedback=13)
WIDTH, HEAD = 4, (6, 5)
CONTEXTS, CANDIDATES, HISTORY = 5, 3, 6
NOTHING = SideFields(None, None, None, None, None)
FIELDS = ("item", "attributes", "past_items", "past_attributes", "past_feedback")


def ours(name: str) -> Backbone:
    torch.manual_seed(5)
    network = make(SIZES, TrainConfig(backbone=name, embedding=WIDTH, head=HEAD, match=False)).eval()
    weights.varied(network)
    network.items.describe(
        id_of=torch.arange(SIZES.items) % SIZES.item_ids,
        tokens_of=torch.randint(0, SIZES.tokens, (SIZES.items, SIZES.tokens_per_item)),
    )
    return network


def batch() -> Batch:
    """Histories of 6, 5, 4, … items; every context has several candidates."""
    past = torch.randint(2, SIZES.items, (CONTEXTS, HISTORY))
    past[torch.arange(HISTORY) < torch.arange(CONTEXTS).unsqueeze(1)] = 0
    item = torch.randint(2, SIZES.items, (CONTEXTS, CANDIDATES))
    feedback = torch.randint(1, SIZES.feedback, past.shape) * (past > 0)
    nothing = torch.zeros(CONTEXTS, dtype=torch.int64)
    return Batch(
        item,
        past,
        feedback,
        nothing,
        torch.zeros_like(item),
        torch.zeros(CONTEXTS, CANDIDATES, 0),
        nothing.unsqueeze(1),
    )


def features(rechub: ModuleType) -> list[object]:
    """Our five fields in torch-rechub's words: what is looked up, and what is a mean over the history."""
    of = rechub.basic.features
    mean = {"embed_dim": WIDTH, "pooling": "mean", "padding_idx": 0}
    return [
        of.SparseFeature("item", SIZES.items, WIDTH),
        of.SparseFeature("attributes", SIZES.items, WIDTH),
        of.SequenceFeature("past_items", SIZES.items, shared_with="item", **mean),
        of.SequenceFeature("past_attributes", SIZES.items, shared_with="attributes", **mean),
        of.SequenceFeature("past_feedback", SIZES.feedback, **mean),
    ]


def inputs(given: Batch) -> dict[str, Tensor]:
    """What those features read: a row for each candidate, each with its context's history."""
    past, feedback = (one.repeat_interleave(CANDIDATES, dim=0) for one in (given.history_item, given.history_feedback))
    item = given.item.flatten()
    return dict(zip(FIELDS, (item, item, past, past, feedback), strict=True))


def embed(source: Backbone, peer: nn.Module) -> None:
    """Copy the embeddings of items, attributes and feedback."""
    tables = peer.embedding.embed_dict if hasattr(peer, "embedding") else peer.sparse_embedding.embed_dict
    items, attributes = source.items().split(WIDTH, dim=-1)
    with torch.no_grad():
        for name, table in {
            "item": items,
            "attributes": attributes,
            "past_feedback": source.fields.feedback.weight,
        }.items():
            tables[name].weight.copy_(table)


def copy_head(source: nn.Sequential, target: nn.Module) -> None:
    """Copy the hidden layers of our perceptron to one of torch-rechub's that has no output layer."""
    weights.copy(nn.Sequential(*list(source)[:-1]), weights.without_batch_norm(target))


def join(target: nn.Linear, *sources: nn.Linear) -> None:
    """Several linear layers to one number each, added up, are one layer over their inputs side by side."""
    with torch.no_grad():
        target.weight.copy_(torch.cat([one.weight for one in sources], dim=1))
        target.bias.copy_(sum(one.bias for one in sources if one.bias is not None))
