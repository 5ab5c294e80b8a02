"""Kernels compute what the layers compute, and the layers what the papers' naive forms compute: gradients too."""

import subprocess

import pytest
import torch
from torch.nn import functional

from recommender import compiling
from recommender.backbones import native
from recommender.backbones.batch import Batch, InputSizes
from recommender.backbones.din import Din
from recommender.dataset.numbering import PADDING_ITEM
from recommender.recipe import TrainConfig

SIZES = InputSizes(items=40, item_ids=30, tokens=6, tokens_per_item=3, feedback=13)
B, L = 37, 7
needs_compiler = pytest.mark.skipif(native.compiler() is None, reason="there is no C++ compiler")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made(**choices):
    torch.manual_seed(2)
    din = Din(SIZES, TrainConfig(embedding=16, attention=(32, 16), head=(8,), dropout=0.0, **choices)).train()
    din.items.describe(id_of=torch.randint(0, 30, (40,)), tokens_of=torch.randint(0, 6, (40, 3)))
    with torch.no_grad():  # of a size at which every part of the result matters
        for weight in din.parameters():
            weight.normal_(std=0.3)
        for table in (din.items.ids, din.items.tokens, din.feedback):
            table.weight[0] = 0.0
    return din


def batch():
    source = torch.Generator().manual_seed(1)
    history = torch.randint(1, 40, (B, L), generator=source)
    history[torch.arange(L) < (torch.arange(B) % (L + 1)).unsqueeze(1)] = PADDING_ITEM  # the whole history of some
    feedback = torch.randint(1, 13, (B, L), generator=source) * (history != PADDING_ITEM)
    item = torch.randint(1, 40, (B, 1), generator=source)
    nothing = torch.zeros(B, 1, dtype=torch.int64)
    return Batch(item, history, feedback, nothing.squeeze(1), nothing, torch.zeros(B, 1, 0), nothing)


def learned(din, forward):
    """Logits, and every weight's gradient."""
    din.zero_grad()
    logits = forward(batch())
    (logits * torch.linspace(-1, 1, B).view(B, 1)).sum().backward()
    return {"logits": logits.detach()} | {name: weight.grad.clone() for name, weight in din.named_parameters()}


def naive(din, given):
    """DIN as R4ec's code has it: every slot's embeddings are mapped, and [q, k, q - k, q * k] is concatenated."""
    vectors = torch.cat(
        [
            functional.embedding(din.items.id_of, din.items.ids.weight),
            torch.stack(
                [
                    functional.embedding(tokens[tokens > 0], din.items.tokens.weight).sum(dim=0)
                    / max(1, (tokens > 0).sum())
                    for tokens in din.items.tokens_of
                ]
            ),
        ],
        dim=1,
    )
    zeroed = vectors * torch.cat([(din.items.id_of > 0).unsqueeze(1).expand(-1, 16), torch.ones(40, 16)], dim=1)
    candidate = zeroed[given.item.squeeze(1)]
    both = torch.cat([zeroed[given.history_item], functional.one_hot(given.history_feedback, 13).float()], dim=2)
    feedback = din.feedback.weight * (torch.arange(13) > 0).unsqueeze(1)
    past = both @ torch.cat([din.past.weight.t(), feedback])
    query = candidate.unsqueeze(1).expand_as(past)
    first = torch.cat([query, past, query - past, query * past], dim=2)
    zeros = torch.zeros_like(din.of_past.weight)
    weights = torch.cat([din.of_candidate.weight, din.of_past.weight, zeros, din.of_product.weight], dim=1)
    hidden = functional.relu(functional.linear(first, weights, din.of_candidate.bias))
    weight = din.attention(hidden) * (given.history_item != PADDING_ITEM).unsqueeze(2)
    return din.head(torch.cat([candidate, (weight * past).sum(dim=1)], dim=1))


def assert_equal(one, other):
    for name, value in one.items():
        torch.testing.assert_close(
            value, other[name], rtol=1e-4, atol=1e-5, msg=lambda said, name=name: f"{name}: {said}"
        )


def test_folding_changes_neither_logits_nor_gradients():
    din = made(match=False)

    assert_equal(learned(din, din), learned(din, lambda given: naive(din, given)))


@needs_compiler
@pytest.mark.parametrize("match", [False, True])
def test_kernels_change_neither_logits_nor_gradients(match):
    din = made(match=match)
    plain = learned(din, din)
    din.accelerate(True)

    assert din.kernel is not None
    assert (din.match is None) or (din.match.kernel is not None)
    assert_equal(learned(din, din), plain)

    din.accelerate(False)
    assert din.kernel is None


@needs_compiler
def test_kernels_refuse_rows_that_are_not_there():
    din = made(match=False)
    din.accelerate(True)
    with pytest.raises(IndexError, match="to 40 of a table of 40"):
        din(batch()._replace(history_item=torch.full((B, L), 40)))


def test_sizes_without_a_kernel_and_several_threads_take_torchs_operations():
    assert native.attention(width=24, units=(32, 16)) is None
    assert native.attention(width=32, units=(32,)) is None
    torch.set_num_threads(2)
    assert native.attention(width=32, units=(32, 16)) is None
    assert native.match(width=16, temperatures=2) is None


@pytest.mark.parametrize("there", [False, True])
def test_without_a_working_compiler_the_layers_compute_as_always(monkeypatch, caplog, tmp_path, there):
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\necho no room left >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(native, "compiler", lambda: str(broken) if there else None)
    native.load.cache_clear()
    din = made(match=False)
    plain = learned(din, din)
    with caplog.at_level("INFO"):
        din.accelerate(True)
        din.accelerate(True)
    native.load.cache_clear()

    assert din.kernel is None
    assert_equal(learned(din, din), plain)
    assert [("no room left" if there else "No C++ compiler") in record.message for record in caplog.records] == [True]


@needs_compiler
def test_kernels_compile_without_warnings():
    for kernel, sizes in (
        ("attention", ["-DWIDTH=64", "-DFIRST=32", "-DSECOND=16"]),
        ("match", ["-DWIDTH=32", "-DTEMPERATURES=2"]),
    ):
        command = [native.compiler(), *compiling.FLAGS, *native.FLAGS, "-Wall", "-Wextra", "-Werror"]
        command += ["-fsyntax-only", *sizes]
        subprocess.run([*command, str(native.KERNELS / f"{kernel}.cpp")], check=True)
