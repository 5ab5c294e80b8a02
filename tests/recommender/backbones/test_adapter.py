import pytest
import torch
from torch.nn import functional

from recommender.backbones.adapter import END_USER, ITEM, KnowledgeAdapter
from recommender.backbones.batch import Batch
from recommender.recipe import ADAPTERS, TrainConfig

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
    adapter = made(shared_experts=2, specific_experts=3, knowledge_gate=False).eval()
    vector = adapter.prepared[ITEM, 2]
    experts = [
        functional.relu(functional.relu(vector @ e.first[n] + e.first_bias[n, 0]) @ e.second[n] + e.second_bias[n, 0])
        for e in (adapter.adapter.shared, adapter.adapter.specific[ITEM])
        for n in range(len(e.first))
    ]
    gate = adapter.adapter.gates[ITEM](vector).softmax(dim=-1)
    expected = sum(weight * expert for weight, expert in zip(gate, experts, strict=True))

    torch.testing.assert_close(adapter.fields(torch.tensor(2), ITEM)[:-1], expected)


def test_moe_mixes_experts_of_its_kind_alone():
    adapter = made(adapter="moe", specific_experts=3, knowledge_gate=False).eval()
    before = adapter.fields(torch.tensor([2]), ITEM)
    with torch.no_grad():
        for weight in adapter.adapter.specific[END_USER].parameters():
            weight.zero_()

    assert torch.equal(adapter.fields(torch.tensor([2]), ITEM), before)
    assert not any("shared" in name for name, _ in adapter.named_parameters())
    assert adapter.adapter.gates[ITEM].out_features == 3


def test_vectors_of_any_scale_are_brought_to_one():
    adapter = made()
    vectors = torch.randn(3, D)
    adapter.read(vectors)
    before = adapter.prepared.clone()
    adapter.read(100 * vectors + 7)

    torch.testing.assert_close(adapter.prepared, before, atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", ADAPTERS)
def test_the_gate_begins_nearly_closed_and_closed_means_no_knowledge(name):
    adapter, texts = made(adapter=name).eval(), torch.arange(TEXTS + 1)
    open_ = made(adapter=name, knowledge_gate=False).eval()
    nothing = adapter.fields(torch.tensor(0), ITEM)

    assert ((adapter.gates() > 0) & (adapter.gates() < 0.2)).all()
    assert open_.gates().tolist() == [1.0, 1.0]
    torch.testing.assert_close(
        adapter.fields(texts, ITEM), nothing + adapter.gates()[ITEM] * (open_.fields(texts, ITEM) - nothing)
    )
    with torch.no_grad():
        adapter.opening[ITEM] = -100.0
    torch.testing.assert_close(adapter.fields(texts, ITEM), nothing.expand(TEXTS + 1, -1))


def test_the_gate_opens_where_knowledge_helps():
    torch.manual_seed(0)
    adapter = KnowledgeAdapter(D, TrainConfig(adapter_hidden=16, adapter_width=4, knowledge_dropout=0.0))
    vectors = torch.randn(257, D)
    adapter.read(vectors)
    head = torch.nn.Linear(5, 1)
    optimizer = torch.optim.AdamW([*adapter.parameters(), *head.parameters()], lr=1e-3, weight_decay=0.0)
    truth = (vectors[:, 0] > 0).float()
    for _ in range(400):
        rows = torch.randint(1, 257, (64,))
        logits = head(adapter.fields(rows, ITEM)).squeeze(-1)
        loss = functional.binary_cross_entropy_with_logits(logits, truth[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    assert adapter.gates()[ITEM].item() > 0.4
    assert adapter.gates()[END_USER].item() == pytest.approx(0.119, abs=0.001)  # nobody asked for it


def test_whitening_narrows_the_experts_travels_with_the_weights_and_is_not_learned():
    adapter = made(whiten=3)
    vectors = torch.randn(TEXTS + 1, D)
    adapter.whitening.set(ITEM, torch.randn(D), torch.randn(D, 3))
    adapter.read(vectors)
    restored = made(whiten=3)
    restored.load_state_dict(adapter.state_dict())
    restored.read(vectors)
    expected = (functional.normalize(vectors[4], dim=-1) - adapter.whitening.centre[ITEM, 0]) @ adapter.whitening.turn[
        ITEM
    ]

    assert adapter.adapter.specific[ITEM].first.shape[1] == 3
    assert "whitening.turn" not in dict(adapter.named_parameters())
    torch.testing.assert_close(restored.prepared, adapter.prepared)
    torch.testing.assert_close(adapter.prepared[ITEM, 4], expected)


def test_no_knowledge_is_a_learned_vector_and_a_flag():
    adapter = made(knowledge_dropout=0.0, knowledge_gate=False)
    fields = adapter.fields(torch.tensor([0, 1]), END_USER)
    fields.sum().backward()

    assert fields[:, -1].tolist() == [0.0, 1.0]
    torch.testing.assert_close(fields[0, :-1], adapter.nothing[END_USER])
    assert adapter.nothing.grad[END_USER].tolist() == [1.0] * 4
    assert adapter.nothing.grad[ITEM].tolist() == [0.0] * 4


def test_training_hides_some_knowledge_and_scoring_none():
    adapter = made(knowledge_dropout=0.5, knowledge_gate=False)
    rows = torch.ones(400, dtype=torch.int64)

    assert 120 < adapter.train().fields(rows, ITEM)[:, -1].sum() < 280
    assert adapter.eval().fields(rows, ITEM)[:, -1].sum() == 400


def test_a_batch_gets_one_field_per_end_user_and_per_candidate():
    rows = torch.zeros(2, 3, dtype=torch.int64)
    fields = made()(Batch(rows, rows, rows, torch.tensor([0, 4]), rows, torch.zeros(2, 3, 0), rows))

    assert fields.end_user.shape == (2, 5)
    assert fields.item.shape == (2, 3, 5)
