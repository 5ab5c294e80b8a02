"""SIM has no peer of the same form, so it is held against plain loops over Python lists."""

import torch
from torch.nn import functional

from recommender.backbones import sim
from tests.oracles import weights, whole


def test_plain_loops_compute_the_same_logits(monkeypatch):
    monkeypatch.setattr(sim, "FOUND", 3)
    network, given = whole.ours("sim"), whole.batch()
    expected = [
        [looped(network, candidate, history, feedback) for candidate in items]
        for items, history, feedback in zip(
            given.item, given.history_item.tolist(), given.history_feedback.tolist(), strict=True
        )
    ]

    weights.same(network(given), torch.tensor(expected))


def looped(network, candidate, history, feedback):
    """One candidate after one history."""
    table = network.items().detach()
    target = table[candidate]
    entries = [(place, item) for place, item in enumerate(history) if item]
    nearness = {place: float(functional.cosine_similarity(target, table[item], dim=0)) for place, item in entries}
    found = sorted(nearness, key=lambda place: (-round(nearness[place], 5), -place))[:3]
    interest = torch.zeros_like(target)
    for place in found:
        ago = len(history) - place
        age = next(age for age in range(sim.AGES) if ago <= 2**age)
        past = network.past.weight @ table[history[place]]
        past = past + network.feedback.weight[feedback[place]] + network.age.weight[age]
        unit = network.attention
        first = unit.of_candidate(target) + unit.of_past(past) + unit.of_product(target * past)
        interest = interest + unit.rest(functional.relu(first)) * past
    return network.head(torch.cat([target, interest])).item()
