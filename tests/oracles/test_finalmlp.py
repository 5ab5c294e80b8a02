"""Neither wheel has the model. Its streams and gates are fuxictr's perceptrons here, its fusion is plain loops."""

import torch

from recommender.backbones.fields import OF_CANDIDATE
from recommender.backbones.finalmlp import GATE
from tests.oracles import weights, whole


def test_the_model_is_the_papers(fuxictr):
    ours, given = whole.ours("finalmlp"), whole.batch()
    fields, flat = ours.fields(given.item, given.history_item, given.history_feedback, ours.items(), whole.NOTHING)
    *hidden, last = whole.HEAD

    def stream(gate, looks_at, perceptron):
        theirs = fuxictr.MLP_Block(
            looks_at.shape[-1], list(GATE), output_dim=flat.shape[-1], output_activation="sigmoid"
        )
        weights.copy(gate, theirs)
        gated = 2 * theirs(looks_at) * flat
        mlp = fuxictr.MLP_Block(flat.shape[-1], [*hidden, last])
        weights.copy(perceptron, mlp)
        return mlp(gated).flatten(0, 1)

    one = stream(ours.by_history, fields[..., OF_CANDIDATE:, :].flatten(-2), ours.one)
    other = stream(ours.by_candidate, fields[..., :OF_CANDIDATE, :].flatten(-2), ours.other)
    fusion, expected = ours.fusion, []
    for x, y in zip(one, other, strict=True):
        logit = fusion.of_one.bias[0]
        for i in range(last):
            logit = logit + fusion.of_one.weight[0, i] * x[i] + fusion.of_other.weight[0, i] * y[i]
            for j in range(last):
                logit = logit + x[i] * fusion.of_both.weight[j, i] * y[j]
        expected.append(logit)

    weights.same(ours(given).flatten(), torch.stack(expected))
