import pytest
import torch

from recommender.artifacts import graph
from recommender.backbones.registry import ARCHITECTURES
from tests.recommender.backbones.test_backbones import SIZES, L, made


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ARCHITECTURES)
def test_every_backbone_scores_alike_once_exported(backbone, tmp_path):
    """With knowledge: that graph holds all of the graph without, and every artifact is checked when it is written."""
    adapted = torch.randn(SIZES.items, 5)
    form = graph.ServingForm(made(backbone, SIZES.knowledge, adapter_width=4).eval(), adapted).eval()
    shape = {"history": L, "end_users": adapted, "tokens": 2}
    graph.save(form, tmp_path / "model.onnx", **shape)

    assert max(graph.check(form, tmp_path / "model.onnx", **shape).values()) <= graph.TOLERANCE
