"""What must hold for every backbone; each new architecture joins by its name in the registry."""

from itertools import product

import pytest
import torch

from recommender.backbones.batch import Batch, InputSizes
from recommender.backbones.registry import ARCHITECTURES, make
from recommender.recipe import TrainConfig

SIZES = InputSizes(items=12, item_ids=10, tokens=6, tokens_per_item=3, feedback=13, knowledge=8, end_user_tokens=5)
B, N, L, TEXTS = 5, 4, 6, 7

pytestmark = pytest.mark.parametrize(
    ("backbone", "knowledge"), [(*pair,) for pair in product(ARCHITECTURES, (0, SIZES.knowledge))]
)


def made(backbone, knowledge, **choices):
    torch.manual_seed(3)
    sizes = InputSizes(**SIZES.to_json() | {"knowledge": knowledge})
    network = make(sizes, TrainConfig(backbone=backbone, embedding=4, **choices))
    network.items.describe(
        id_of=torch.randint(0, sizes.item_ids, (sizes.items,)),
        tokens_of=torch.randint(0, sizes.tokens, (sizes.items, sizes.tokens_per_item)),
    )
    if network.knowledge is not None:
        network.knowledge.read(torch.randn(TEXTS, knowledge))
    return network


def batch(seed=0):
    source = torch.Generator().manual_seed(seed)

    def integers(low, high, *shape):
        return torch.randint(low, high, shape, generator=source)

    history = integers(2, SIZES.items, B, L)
    history[torch.arange(L) < torch.arange(B).unsqueeze(1)] = 0  # histories of 6, 5, 4, … entries
    feedback = integers(1, SIZES.feedback, B, L) * (history > 0)
    return Batch(
        integers(2, SIZES.items, B, N),
        history,
        feedback,
        integers(0, TEXTS, B),
        integers(0, TEXTS, B, N),
        torch.randn(B, N, SIZES.signals, generator=source),
        integers(0, SIZES.end_user_tokens, B, 3),
    )


def test_answers_one_logit_for_each_candidate(backbone, knowledge):
    assert made(backbone, knowledge)(batch()).shape == (B, N)


def test_padding_changes_nothing(backbone, knowledge):
    network, short = made(backbone, knowledge).eval(), batch()
    nothing = torch.zeros(B, 9, dtype=torch.int64)
    padded = short._replace(
        history_item=torch.cat([nothing, short.history_item], dim=1),
        history_feedback=torch.cat([nothing, short.history_feedback], dim=1),
    )

    torch.testing.assert_close(network(padded), network(short), atol=1e-6, rtol=0)


def test_a_batch_of_one_scores_as_a_batch_of_many(backbone, knowledge):
    network, many = made(backbone, knowledge).eval(), batch()
    alone = [
        network(
            Batch(
                many.item[b : b + 1, n : n + 1],
                many.history_item[b : b + 1],
                many.history_feedback[b : b + 1],
                many.end_user_text[b : b + 1],
                many.item_text[b : b + 1, n : n + 1],
                many.signals[b : b + 1, n : n + 1],
                many.end_user_tokens[b : b + 1],
            )
        ).item()
        for b in range(B)
        for n in range(N)
    ]

    torch.testing.assert_close(torch.tensor(alone).view(B, N), network(many), atol=1e-6, rtol=0)


def test_training_and_scoring_compute_the_same_without_dropout(backbone, knowledge):
    network = made(backbone, knowledge, dropout=0.0, knowledge_dropout=0.0)
    training = network.train()(batch())

    torch.testing.assert_close(network.eval()(batch()), training, atol=1e-6, rtol=0)


def test_an_empty_history_is_scored(backbone, knowledge):
    network, full = made(backbone, knowledge).eval(), batch()
    empty = full._replace(
        history_item=torch.zeros_like(full.history_item), history_feedback=torch.zeros_like(full.history_feedback)
    )

    assert network(empty).isfinite().all()


def test_every_weight_learns(backbone, knowledge):
    network = made(backbone, knowledge, dropout=0.0).train()
    for seed in range(5):
        network(batch(seed)).square().sum().backward()
    silent = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]

    assert silent == []


def test_knowledge_reaches_the_logits_where_there_is_any(backbone, knowledge):
    network, given = made(backbone, knowledge).eval(), batch()
    without = given._replace(
        end_user_text=torch.zeros_like(given.end_user_text), item_text=torch.zeros_like(given.item_text)
    )

    assert torch.equal(network(given), network(without)) == (knowledge == 0)


def test_the_end_users_attributes_reach_the_logits_in_any_order(backbone, knowledge):
    network, given = made(backbone, knowledge).eval(), batch()
    nobody = given._replace(end_user_tokens=torch.zeros_like(given.end_user_tokens))
    turned = given._replace(end_user_tokens=given.end_user_tokens.flip(1))

    assert not torch.equal(network(given), network(nobody))
    torch.testing.assert_close(network(turned), network(given), atol=1e-6, rtol=0)


def test_the_architecture_alone_can_be_trained_too(backbone, knowledge):
    network = made(backbone, knowledge, match=False)

    assert network.match is None
    assert network(batch()).isfinite().all()
