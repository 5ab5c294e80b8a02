"""Neither package's wheel has the graph, so the paper's formulas stand here as plain loops over fields."""

import torch
from torch.nn import functional

from recommender.backbones.fignn import LAYERS, FieldGraph
from tests.oracles import weights, whole

FIELDS, WIDTH = 4, 3


def looped(graph, fields):
    """The states of one row's fields after all rounds of messages: (F, E) → (F, E)."""
    count = len(fields)
    heard_from = torch.zeros(count, count)
    for i in range(count):
        others = [j for j in range(count) if j != i]
        attention = torch.cat([graph.of_listener.weight[0], graph.of_speaker.weight[0]])
        scores = torch.stack([functional.leaky_relu(attention @ torch.cat([fields[i], fields[j]])) for j in others])
        heard_from[i, others] = scores.softmax(dim=0)
    states = list(fields)
    for speak, listen, bias in zip(graph.speak, graph.listen, graph.biases, strict=True):
        news = []
        for i in range(count):
            heard = sum(heard_from[i, j] * (states[j] @ speak[j]) for j in range(count)) @ listen[i] + bias
            news.append(remembered(graph.remember, heard, states[i]) + fields[i])
        states = news
    return torch.stack(states)


def remembered(cell, heard, state):
    """z = σ(W a + U h), r likewise, n = tanh(W a + r ⊙ U h), h ← (1 - z) n + z h, with biases in every term."""
    of_heard = cell.weight_ih @ heard + cell.bias_ih
    of_state = cell.weight_hh @ state + cell.bias_hh
    (r_heard, z_heard, n_heard), (r_state, z_state, n_state) = of_heard.chunk(3), of_state.chunk(3)
    reset, update = torch.sigmoid(r_heard + r_state), torch.sigmoid(z_heard + z_state)
    return (1 - update) * torch.tanh(n_heard + reset * n_state) + update * state


def test_the_graph_is_the_papers():
    torch.manual_seed(1)
    ours = FieldGraph(FIELDS, WIDTH, LAYERS)
    weights.varied(ours)
    fields = torch.randn(5, FIELDS, WIDTH)

    weights.same(ours(fields), torch.stack([looped(ours, row) for row in fields]))


def test_the_logit_weighs_each_fields_opinion():
    ours, given = whole.ours("fignn"), whole.batch()
    read, flat = ours.fields(given.item, given.history_item, given.history_feedback, ours.items(), side=whole.NOTHING)
    expected = []
    for fields, row in zip(read.flatten(0, 1), flat.flatten(0, 1), strict=True):
        states = looped(ours.graph, fields)
        logit = ours.linear(row)[0]
        for place, state in enumerate(states):
            logit = logit + torch.sigmoid(ours.say.weight[place] @ states.flatten()) * (ours.opinion.weight[0] @ state)
        expected.append(logit)

    weights.same(ours(given).flatten(), torch.stack(expected))
