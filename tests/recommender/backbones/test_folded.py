"""What is folded beforehand scores as what is not: over histories of any length, empty ones and repeated items too."""

import ctypes
from dataclasses import dataclass, replace

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recommender import compiling
from recommender.artifacts import folded, graph
from recommender.backbones import din
from recommender.backbones.registry import ARCHITECTURES
from tests.recommender.backbones import test_backbones
from tests.recommender.backbones.test_backbones import SIZES, L, made

KNOWLEDGE, TOKENS, SIGNALS = 5, 2, 3
entry = st.tuples(st.integers(1, SIZES.items - 1), st.integers(1, SIZES.feedback - 1))
histories = st.lists(st.lists(entry, max_size=L), min_size=1, max_size=3)


class Unfolded(graph.ServingForm):
    def folded(self) -> torch.nn.Module:
        return self


@dataclass
class Graphs:
    folded: onnxruntime.InferenceSession
    unfolded: onnxruntime.InferenceSession
    compiled: folded.Folded | None


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL | None:
    """The kernel for the best level that this machine compiles and runs."""
    level = next((name for name, needed in compiling.PROCESSORS.items() if needed <= compiling.can_do()), None)
    if not level or not (program := compiling.compiler()):
        return None
    built = tmp_path_factory.mktemp("kernel") / "made.so"
    compiling.compile_library(program, [folded.SOURCE], built, [f"-march={level}"])
    return ctypes.CDLL(str(built))


@pytest.fixture(
    scope="module", params=[(True, True, 99), (False, True, 0), (True, False, 0), (False, False, 99)], ids=str
)
def graphs(
    request: pytest.FixtureRequest, library: ctypes.CDLL | None, tmp_path_factory: pytest.TempPathFactory
) -> Graphs:
    """DIN's, with or without knowledge, with or without what stands beside the history, of a small or a big catalog."""
    knowing, numbers, multiplied = request.param
    beside = {} if numbers else {"match": False}
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(din, "MULTIPLIED_ITEMS", multiplied)
    monkeypatch.setattr(test_backbones, "SIZES", replace(SIZES, signals=SIGNALS if numbers else 0))
    backbone = made("din", SIZES.knowledge if knowing else 0, adapter_width=KNOWLEDGE - 1, **beside).eval()
    backbone.calibrate(1.3, -0.2)
    for weight in backbone.parameters():  # embeddings start so small that any history would score alike
        torch.nn.init.normal_(weight.data, std=0.15)
    shape = {"history": L, "end_users": torch.randn(3, KNOWLEDGE if knowing else 1), "tokens": TOKENS}
    sessions = []
    for kind in (graph.ServingForm, Unfolded):
        path = tmp_path_factory.mktemp("graph") / "model.onnx"
        form = kind(backbone, torch.randn(SIZES.items, KNOWLEDGE, generator=torch.Generator().manual_seed(1)))
        graph.save((form if knowing else kind(backbone, None)).eval(), path, **shape)
        sessions.append(onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]))
        if kind is graph.ServingForm:
            arrays = (form if knowing else kind(backbone, None)).eval().folded().arrays()
            folded.save(path.parent, {name: each.numpy() for name, each in arrays.items()})
            compiled = folded.load(path.parent, library) if library else None
    monkeypatch.undo()
    return Graphs(*sessions, compiled)


@given(histories, st.lists(st.integers(0, SIZES.items - 1), min_size=1, max_size=9), st.integers(0, 2**16))
def test_folding_changes_no_score(graphs: Graphs, past: list, items: list[int], seed: int) -> None:
    draw = np.random.default_rng(seed)
    padded = np.zeros((2, len(past), L), dtype=np.int64)
    for row, each in enumerate(past):
        if each:
            padded[:, row, -len(each) :] = np.array(each).T
    given = {
        "item": np.repeat(np.array([items]), len(past), axis=0),
        "history_item": padded[0],
        "history_feedback": padded[1],
        "end_user_knowledge": draw.normal(size=(len(past), KNOWLEDGE)).astype(np.float32),
        "signals": draw.normal(size=(len(past), len(items), SIGNALS)).astype(np.float32),
        "end_user_tokens": draw.integers(0, SIZES.end_user_tokens, (len(past), TOKENS)),
    }
    answers = [
        session.run(None, {one.name: given[one.name] for one in session.get_inputs()})[0]
        for session in (graphs.folded, graphs.unfolded)
    ]

    np.testing.assert_allclose(*answers, atol=1e-5)
    for row in range(len(past)) if graphs.compiled else ():
        found = graphs.compiled.logits(
            np.array(items),
            padded[0, row],
            padded[1, row],
            knowledge=given["end_user_knowledge"][row],
            signals=given["signals"][row],
            tokens=given["end_user_tokens"][row],
        )
        np.testing.assert_allclose(found, answers[0][row], atol=1e-5)


@given(st.lists(entry, max_size=L), st.integers(1, 150), st.booleans(), st.integers(0, 2**16))
@example([(1, 1)] * L, 150, True, 0)
@example([], 1, True, 0)
@settings(max_examples=25)
def test_what_the_kernel_leaves_out_was_never_there(
    graphs: Graphs, past: list, count: int, told: bool, seed: int
) -> None:
    """Each row is what the graph scores after the history that really is so much shorter, or without the text."""
    if graphs.compiled is None:
        pytest.skip("there is no C++ compiler, or no processor for the kernel")
    draw = np.random.default_rng(seed)
    histories = [past, *(past[:place] + past[place + 1 :] for place in range(len(past))), *([past] if told else [])]
    rows, items = len(histories), draw.integers(0, SIZES.items, count)
    padded = np.zeros((2, rows, L), dtype=np.int64)
    for row, each in enumerate(histories):
        if each:
            padded[:, row, -len(each) :] = np.array(each).T
    knowledge = draw.normal(size=(1 + told, KNOWLEDGE)).astype(np.float32)
    signals = draw.normal(size=(rows, count, SIGNALS)).astype(np.float32)
    tokens = draw.integers(0, SIZES.end_user_tokens, TOKENS)
    given = {
        "item": np.repeat(items[None], rows, axis=0),
        "history_item": padded[0],
        "history_feedback": padded[1],
        "end_user_knowledge": np.vstack([np.repeat(knowledge[:1], 1 + len(past), axis=0), knowledge[1:]]),
        "signals": signals,
        "end_user_tokens": np.repeat(tokens[None], rows, axis=0),
    }
    expected = graphs.unfolded.run(None, {one.name: given[one.name] for one in graphs.unfolded.get_inputs()})[0]
    found = graphs.compiled.without(
        items, padded[0, 0], padded[1, 0], knowledge=knowledge, signals=signals, tokens=tokens
    )

    assert found is not None
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "din"])
def test_other_backbones_look_items_up(name: str) -> None:
    backbone = made(name, 0).eval()
    form = graph.ServingForm(backbone, None)
    assert form.folded() is form


def test_the_kernel_refuses_rows_that_are_not_there_and_arrays_of_other_shapes(graphs: Graphs) -> None:
    if graphs.compiled is None:
        pytest.skip("there is no C++ compiler, or no processor for the kernel")
    nothing = np.zeros(L, dtype=np.int64)
    beside = {
        "knowledge": np.zeros(KNOWLEDGE, np.float32),
        "signals": np.zeros((1, SIGNALS), np.float32),
        "tokens": np.zeros(TOKENS, np.int64),
    }
    with pytest.raises(IndexError, match=f"to {SIZES.items} of {SIZES.items}"):
        graphs.compiled.logits(np.array([SIZES.items]), nothing, nothing, **beside)
    for name, array in graphs.compiled.arrays.items():
        if array.size and name not in ("tokens", "demographics", "knowledge"):
            with pytest.raises(ValueError, match=r"another shape|to unpack"):
                folded._check({**graphs.compiled.arrays, name: np.zeros((*array.shape, 3), np.float32)})
    with pytest.raises(ValueError, match="missing"):
        folded._check({"table": graphs.compiled.arrays["table"]})
