import numpy as np

from recommender.dataset import histories
from recommender.dataset.examples import build
from recommender.dataset.split import TEST, split
from recommender.dataset.texts import KnowledgeRows
from tests.recommender.training import synthetic


def interactions_and_codes():
    interactions = synthetic.in_memory(synthetic.rows())
    return interactions, split("r4ec", interactions.end_user, interactions.liked)


def test_frozen_every_tested_row_has_the_history_of_the_first_one_of_its_end_user():
    interactions, codes = interactions_and_codes()
    streaming = build(interactions, KnowledgeRows([]), history=5)
    frozen = build(histories.frozen(interactions, codes), KnowledgeRows([]), history=5)
    tested = np.flatnonzero(codes == TEST)
    firsts = {}
    for row in tested.tolist():
        firsts.setdefault(interactions.end_user[row], row)
    expected = [streaming.before[firsts[interactions.end_user[row]]] for row in tested.tolist()]

    assert frozen.before[tested].tolist() == expected
    assert (streaming.before[tested] > frozen.before[tested]).any()
    others = codes != TEST
    assert (frozen.before[others] == streaming.before[others]).all()


def test_frozen_an_unlabelled_interaction_between_tested_ones_is_no_history_either():
    interactions, codes = interactions_and_codes()
    own = np.flatnonzero((interactions.end_user == 0) & (codes == TEST))
    codes[own[1]] = 0  # as split does with one whose like nobody told
    frozen = build(histories.frozen(interactions, codes), KnowledgeRows([]), history=5)

    assert set(frozen.before[own[[0, 2]]].tolist()) == {int(own[0])}


def test_a_share_of_the_end_users_keeps_all_of_theirs_and_nothing_of_the_others():
    interactions, _ = interactions_and_codes()
    some = histories.some_end_users(interactions, 0.4)

    assert len(np.unique(some.end_user)) == 12
    assert some.end_users == interactions.end_users
    for end_user in np.unique(some.end_user).tolist():
        theirs = interactions.end_user == end_user
        assert (some.item[some.end_user == end_user] == interactions.item[theirs]).all()
    assert histories.some_end_users(interactions, 1.0) is interactions
