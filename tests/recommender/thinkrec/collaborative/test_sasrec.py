import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recommender.dataset.split import TRAIN, Parts, split
from recommender.measures.scores import auc
from recommender.thinkrec.collaborative.fit import fit
from recommender.thinkrec.collaborative.sasrec import SasRec, SasRecSettings
from tests.recommender.training import synthetic

CUTS = 1150, 1190
SETTINGS = SasRecSettings(width=8, longest=5)


@pytest.fixture(scope="module")
def made():
    torch.manual_seed(3)
    data = synthetic.in_memory(synthetic.rows())
    codes = split("given", data.end_user, data.liked, moment=data.moment, cuts=CUTS)
    return data, codes, SasRec(data, codes, SETTINGS).eval()


@given(st.lists(st.integers(1, 40), min_size=5, max_size=5), st.integers(1, 4), st.integers(1, 40))
def test_a_later_item_never_changes_an_earlier_state(made, sequence, place, other):
    network = made[2]
    one = torch.tensor([sequence])
    changed = one.clone()
    changed[0, place] = other
    with torch.inference_mode():
        torch.testing.assert_close(network.states(one)[0, :place], network.states(changed)[0, :place])


def test_padding_changes_no_state(made):
    network = made[2]
    with torch.inference_mode():
        bare, padded = network.state(torch.tensor([[3, 1, 2]])), network.state(torch.tensor([[3, 1, 2, 0, 0]]))

    torch.testing.assert_close(bare, padded)


def test_a_row_reads_the_last_liked_items_before_it_oldest_first(made):
    data, codes, network = made
    for row in np.r_[Parts.of(codes).train[:40], Parts.of(codes).test[:40]]:
        before = np.flatnonzero(
            (data.end_user == data.end_user[row]) & (data.moment < data.moment[row]) & (data.liked == 1)
        )
        known = [n for n in before if network.item_known[data.item[n]]]
        read = network.sequences(network.first[[row]], network.end[[row]])[0]

        assert read[read != 0].tolist() == (data.item[known[-5:]] + 1).tolist()
        assert (read[len(known[-5:]) :] == 0).all()


@pytest.mark.parametrize("fitting", [False, True])
def test_a_row_is_scored_by_what_it_reads_whatever_is_scored_beside_it(made, fitting):
    data, codes, _ = made
    torch.manual_seed(4)
    network = SasRec(data, codes, SETTINGS.but(dropout=0.0)).train(fitting)
    network.shift = 2
    rows = torch.from_numpy(Parts.of(codes).train)
    start, end = network.starts(rows), network.end[rows]
    with torch.inference_mode():
        alone = (network.state(network.sequences(start, end)) * network.item(network.item_of[rows] + 1)).sum(dim=1)

        torch.testing.assert_close(network(rows), alone)
    reads, had = end - start, end - network.first[rows]
    assert (reads <= had).all()
    if fitting:
        assert ((reads > 0) == (had > 0)).all()
        assert reads.max() == SETTINGS.longest
    else:
        assert (reads == had.clamp(max=SETTINGS.longest)).all()


def test_an_epoch_holds_every_row_once_and_the_rows_of_a_stretch_together(made):
    data, codes, _ = made
    network = SasRec(data, codes, SETTINGS).train()
    rows, orders = torch.from_numpy(Parts.of(codes).train), []
    for _ in range(3):
        order = torch.cat(list(network.batches(rows, 64)))
        starts = network.starts(order)
        orders.append(order.tolist())

        assert sorted(order.tolist()) == rows.tolist()
        assert int((starts[1:] != starts[:-1]).sum()) == len(starts.unique()) - 1
    assert orders[0] != orders[1]


def test_what_is_of_one_moment_is_not_before_itself():
    rows = [(0, 0, 1, 5.0), (0, 1, 2, 5.0), (0, 2, 2, 5.0), (0, 3, 2, 1.0), (0, 1, 3, 5.0), (0, 2, 4, 5.0)]
    data = synthetic.in_memory(rows, items=4)
    network = SasRec(data, split("given", data.end_user, data.liked, moment=data.moment, cuts=(3, 4)), SETTINGS)
    read = network.sequences(network.first, network.end)

    assert [one[one != 0].tolist() for one in read] == [[], [1], [1], [1], [1, 2, 3], [1, 2, 3, 2]]


def test_an_end_users_vector_is_the_state_after_the_train_part_alone(made):
    data, codes, network = made
    with torch.inference_mode():
        vectors = network.vectors()
        for who in range(30):
            liked = np.flatnonzero((data.end_user == who) & (codes == TRAIN) & (data.liked == 1))
            state = network.state(torch.from_numpy(data.item[liked[-5:]].astype(np.int64) + 1)[None])
            np.testing.assert_allclose(vectors.end_user[who], state[0].numpy(), atol=1e-5)


def test_somebody_new_is_scored_by_what_they_liked_before():
    """Whoever liked item 0 likes 2 and not 3; whoever liked 1, the other way round. Each part has people of its own."""
    rows = []
    for who in range(60):
        start, first = 10 * (who // 20), who % 2
        rows.append((who, first, start + 1, 5.0))
        rows += [(who, item, start + 2, 5.0 if item == 2 + first else 1.0) for item in (2, 3)]
    data = synthetic.in_memory(rows, items=4)
    codes = split("given", data.end_user, data.liked, moment=data.moment, cuts=(11, 21))
    made = fit(data, codes, SasRecSettings(width=8, learning_rate=0.03, epochs=60, patience=20, weight_decay=0.0))
    later = Parts.of(codes).test[data.item[Parts.of(codes).test] >= 2]

    assert not made.vectors.end_user_known[data.end_user[later]].any()
    assert auc(data.liked[later], made.probability(later)) > 0.9
