import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from recommender.dataset.split import split
from recommender.thinkrec.collaborative.lightgcn import LightGcn, LightGcnSettings, normalised_graph
from tests.recommender.training import synthetic

LIKES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=30)


def test_the_graph_of_three_likes_by_hand():
    """End users 0 and 1, items 0 and 1 (nodes 2 and 3); 0 likes both items, 1 the first alone."""
    graph = normalised_graph(np.array([0, 0, 1, 0]), np.array([0, 1, 0, 0]), 2, 2).to_dense()
    of_0, of_1 = 1 / (2**0.5 * 2**0.5), 1 / (2**0.5 * 1)

    expected = torch.zeros(4, 4)
    expected[0, 2] = expected[2, 0] = of_0  # degrees 2 and 2
    expected[0, 3] = expected[3, 0] = of_1  # degrees 2 and 1
    expected[1, 2] = expected[2, 1] = of_1
    torch.testing.assert_close(graph, expected)


@given(LIKES)
def test_the_graph_is_symmetric_and_a_step_never_makes_anything_longer(likes):
    end_user, item = (np.array(side) for side in zip(*likes, strict=True))
    graph = normalised_graph(end_user, item, 5, 6).to_dense().double()

    assert torch.equal(graph, graph.T)
    assert torch.linalg.eigvalsh(graph).abs().max() < 1 + 1e-6


def test_vectors_are_the_mean_over_the_steps_along_the_graph():
    made = [
        (0, 0, 1, 5.0),
        (0, 1, 2, 5.0),
        (1, 0, 3, 5.0),
        (1, 2, 4, 1.0),
        (0, 2, 5, 5.0),
        (0, 2, 6, 1.0),
        (1, 1, 7, 5.0),
    ]
    data = synthetic.in_memory(made, items=3)
    codes = split("given", data.end_user, data.liked, moment=data.moment, cuts=(6, 7))
    network = LightGcn(data, codes, LightGcnSettings(width=4))
    graph = network.graph.to_dense()
    own = network.own.weight

    torch.testing.assert_close(network.smoothed(), (own + graph @ own + graph @ (graph @ own)) / 3)
    assert graph[1, 2 + 2] == 0  # not liked: no edge
    assert graph[0, 2 + 2] > 0
