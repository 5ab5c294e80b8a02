import pytest
import torch
from torch.nn import functional

from recommender.backbones.adapter import END_USER, ITEM, KnowledgeAdapter
from recommender.backbones.batch import Batch
from recommender.training.config import ADAPTERS, TrainConfig

D, TEXTS = 8, 5


def made(**choices):
    torch.manual_seed(1)
    adapter = KnowledgeAdapter(D, TrainConfig(adapter_hidden=6, adapter_width=4, **choices))
    adapter.read(torch.cat([torch.zeros(1, D), torch.randn(TEXTS, D)]))
    return adapter


@pytest.mark.parametrize("name", ADAPTERS)
def test_rows_are_adapted_wherever_and_however_often_they_occur(name):
    adapter = made(adapter=name).eval()
    once = adapter.fields(torch.arange(TEXTS + 1), ITEM)
    rows = torch.tensor([[3, 0, 3], [5, 1, 0]])

    assert once.shape == (TEXTS + 1, 5)
    torch.testing.assert_close(adapter.fields(rows, ITEM), once[rows])


@pytest.mark.parametrize("name", ADAPTERS)
def test_end_users_and_items_have_their_own_experts(name):
    adapter = made(adapter=name).eval()

    assert not torch.allclose(adapter.fields(torch.tensor([1]), END_USER), adapter.fields(torch.tensor([1]), ITEM))


def test_hea_is_a_gated_mix_of_shared_and_specific_experts():
    adapter = made(shared_experts=2, specific_experts=3).eval()
    vector = functional.layer_norm(adapter.vectors[2], (D,))
    experts = [
        functional.relu(functional.relu(vector @ e.first[n] + e.first_bias[n, 0]) @ e.second[n] + e.second_bias[n, 0])
        for e in (adapter.adapter.shared, adapter.adapter.specific[ITEM])
        for n in range(len(e.first))
    ]
    gate = adapter.adapter.gates[ITEM](vector).softmax(dim=-1)
    expected = sum(weight * expert for weight, expert in zip(gate, experts, strict=True))

    torch.testing.assert_close(adapter.fields(torch.tensor(2), ITEM)[:-1], expected)


def test_no_knowledge_is_a_learned_vector_and_a_flag():
    adapter = made(knowledge_dropout=0.0)
    fields = adapter.fields(torch.tensor([0, 1]), END_USER)
    fields.sum().backward()

    assert fields[:, -1].tolist() == [0.0, 1.0]
    torch.testing.assert_close(fields[0, :-1], adapter.nothing[END_USER])
    assert adapter.nothing.grad[END_USER].tolist() == [1.0] * 4
    assert adapter.nothing.grad[ITEM].tolist() == [0.0] * 4


def test_training_hides_some_knowledge_and_scoring_none():
    adapter = made(knowledge_dropout=0.5)
    rows = torch.ones(400, dtype=torch.int64)

    assert 120 < adapter.train().fields(rows, ITEM)[:, -1].sum() < 280
    assert adapter.eval().fields(rows, ITEM)[:, -1].sum() == 400


def test_a_batch_gets_one_field_per_end_user_and_per_candidate():
    rows = torch.zeros(2, 3, dtype=torch.int64)
    fields = made()(Batch(rows, rows, rows, torch.tensor([0, 4]), rows, torch.zeros(2, 3, 0), rows))

    assert fields.end_user.shape == (2, 5)
    assert fields.item.shape == (2, 3, 5)
