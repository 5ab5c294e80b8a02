import numpy as np
import pytest
import torch

from recommender.dataset.examples import build
from recommender.dataset.histories import FROZEN, frozen
from recommender.dataset.split import TEST, split
from recommender.dataset.texts import KnowledgeRows, Text
from recommender.evaluation import full_ranking
from recommender.models import SubjectKind
from recommender.recipe import TrainConfig
from recommender.signals import registry
from recommender.signals.registry import Joined, Signals
from recommender.signals.sources import Sources
from recommender.training.inputs import Inputs
from tests.recommender.training import synthetic

CONFIG = TrainConfig(history=5)


class ByItem(torch.nn.Module):
    """Scores items by a fixed number each, wherever they stand."""

    def __init__(self, scores):
        super().__init__()
        self.scores = torch.from_numpy(scores)

    def forward(self, batch):
        return self.scores[batch.item - 2]


def prepared(*texts, most=100, signals=True):
    interactions = synthetic.in_memory(synthetic.rows())
    codes = split("r4ec", interactions.end_user, interactions.liked)
    known = KnowledgeRows(list(texts))
    bare = build(frozen(interactions, codes), known, history=5)
    joined = Joined(Signals({}), bare)
    if signals:
        joined = registry.fit(registry.prepare(Sources(CONFIG, interactions, codes)), bare)
    tested = np.flatnonzero(codes == TEST)
    inputs = Inputs({FROZEN: known}, {FROZEN: joined.examples}, joined.signals, joined.signals)
    lists = full_ranking.make_lists(inputs, tested, most=most, alive=lambda: None)
    return interactions, tested, joined.examples, lists


def test_everything_not_met_before_the_test_part_is_ranked_for_what_was_liked_in_it():
    interactions, tested, _, lists = prepared()
    scores = np.random.default_rng(0).normal(size=40)
    found = full_ranking.rank(ByItem(scores), lists, alive=lambda: None)
    expected = []
    for end_user in np.unique(interactions.end_user[tested]).tolist():
        own = np.flatnonzero(interactions.end_user == end_user)
        first = tested[interactions.end_user[tested] == end_user][0]
        met = set(interactions.item[own[own < first]].tolist())
        right = {interactions.item[row] for row in tested.tolist() if row in own and interactions.liked[row] == 1} - met
        listed = [item for item in np.argsort(-scores).tolist() if item not in met][:10]
        expected.append(len(right & set(listed)) / len(right) if right else np.nan)

    assert set(found) == {"ndcg@10", "map@10", "recall@10"}
    assert found["recall@10"] == pytest.approx(np.array(expected), nan_ok=True)


def test_a_tested_item_is_asked_about_with_the_very_signals_of_its_frozen_row():
    interactions, tested, examples, lists = prepared()
    for place, row in enumerate(lists.row.tolist()):
        own = tested[interactions.end_user[tested] == interactions.end_user[row]]
        assert lists.signals[place][interactions.item[own]] == pytest.approx(examples.signals[own], abs=1e-5)


def test_at_most_so_many_end_users_are_asked_always_the_same_ones():
    _, _, _, all_of_them = prepared(signals=False)
    _, _, _, some = prepared(signals=False, most=7)
    _, _, _, again = prepared(signals=False, most=7)

    assert len(some.row) == 7
    assert (some.row == again.row).all()
    assert set(some.row.tolist()) < set(all_of_them.row.tolist())


def test_no_list_knows_a_text_of_later_or_one_made_from_that_end_user():
    interactions = synthetic.in_memory(synthetic.rows())
    witness = int(np.flatnonzero(interactions.end_user == 3)[0])
    early = Text(SubjectKind.ITEM, 5, 0, "a")
    late = Text(SubjectKind.ITEM, 6, 10**9, "b")
    about_them = Text(SubjectKind.ITEM, 7, 0, "c", shown=frozenset([int(interactions.keys[witness])]))
    _, _, examples, lists = prepared(early, late, about_them, signals=False)
    owners = examples.interactions.end_user[lists.row]

    assert (lists.item_text[:, 5] == 1).all()
    assert not lists.item_text[:, 6].any()
    assert (lists.item_text[owners == 3, 7] == 0).all()
    assert (lists.item_text[owners != 3, 7] == 3).all()
