"""Golden users: what the trained backbone said, unfolded, is what every process must get from the exported graph."""

import dataclasses
import json

import numpy as np
import pytest

from recommender.artifacts import golden as served_golden
from recommender.artifacts import golden_choice, ranker, writing
from recommender.artifacts.golden import Entry
from recommender.artifacts.ranker import ArtifactError
from tests.recommender.training.fitting import SMALL, fitted


@pytest.fixture(scope="module", params=[True, False], ids=["with knowledge", "without"])
def made(request, tmp_path_factory):
    found = fitted(SMALL, knowledge=request.param)
    folder = tmp_path_factory.mktemp("backbones") / "1"
    writing.write(
        folder,
        found.backbone,
        SMALL,
        found.interactions,
        found.knowledge,
        signals=found.signals,
        demographics=found.examples.demographics,
        facts={},
    )
    golden_choice.write(folder, found.backbone, found.interactions, found.knowledge)
    return found, folder


def test_the_exported_graph_says_of_golden_users_what_the_trained_backbone_said(made):
    _, folder = made
    users = served_golden.read(folder)
    found = served_golden.compare(ranker.read(folder), users)

    assert len(users) == golden_choice.END_USERS == found.end_users
    assert found.are_small
    assert 0 < found.eager_and_served < 1e-5
    assert all(len(set(one.scores)) > 1 for one in users)


def test_golden_users_are_real_and_rank_what_they_have_not_met(made):
    found, folder = made
    data = found.interactions
    for one in served_golden.read(folder):
        number = data.end_users.index(one.end_user)
        met = [data.items[item] for item in data.item[data.end_user == number]]
        assert [entry.item_id for entry in one.history] == met
        assert not set(one.items) & set(met)
        assert len(one.items) == 16


def test_of_their_attributes_only_the_tokens_that_scoring_reads_are_kept(made):
    found, folder = made
    data = found.interactions
    stored = json.loads((folder / served_golden.FILE).read_text())
    ranking = ranker.read(folder)

    assert {key for one in stored for key in one} == {"end_user", "tokens", "history", "items", "scores"}
    for one in stored:
        attributes = data.end_user_attributes[data.end_users.index(one["end_user"])]
        assert one["tokens"] == ranking.tokens_of(attributes)
        assert any(one["tokens"]) == bool(attributes)
        given = [Entry(**met) for met in one["history"]]
        asked = ranking.score(one["end_user"], given, one["items"], attributes=attributes)
        np.testing.assert_array_equal(asked, ranking.score(one["end_user"], given, one["items"], tokens=one["tokens"]))
    assert sum(any(one["tokens"]) for one in stored) > len(stored) / 2


def test_histories_become_the_same_feedback_again(made):
    found, folder = made
    ranking = ranker.read(folder)
    for one in served_golden.read(folder):
        number = found.interactions.end_users.index(one.end_user)
        feedback = ranking.past(one.history).feedback
        own = found.interactions.feedback[found.interactions.end_user == number]
        assert feedback.tolist() == own[-SMALL.history :].tolist()


def test_half_of_them_have_knowledge_and_histories_of_all_lengths(made):
    data = made[0].interactions
    keep = np.concatenate([np.flatnonzero(data.end_user == n)[: 2 + n % 20] for n in range(30)])
    names = ("keys", "end_user", "item", "moment", "liked", "feedback")
    shorter = dataclasses.replace(data, **{name: getattr(data, name)[keep] for name in names})
    chosen = golden_choice.choose(shorter, dict.fromkeys(range(0, 30, 3), 1))
    lengths = [int((shorter.end_user == number).sum()) for number in chosen]

    assert len(set(chosen)) == golden_choice.END_USERS
    assert sum(number % 3 == 0 for number in chosen) == golden_choice.END_USERS // 2
    assert (min(lengths), max(lengths)) == (2, 21)


def test_items_that_were_mixed_up_are_noticed(made):
    _, folder = made
    ranking = ranker.read(folder)
    mixed = dataclasses.replace(ranking, items=dict(zip(ranking.items, reversed(ranking.items.values()), strict=True)))
    found = served_golden.compare(mixed, served_golden.read(folder))

    assert not found.are_small
    assert found.eager_and_served > 0.01
    assert found.one_and_many < 1e-5


def test_an_artifact_without_or_with_unreadable_golden_users_is_told_apart(tmp_path):
    assert served_golden.read(tmp_path) is None
    for content in ("{", json.dumps([{"end_user": "u"}])):
        (tmp_path / served_golden.FILE).write_text(content)
        with pytest.raises(ArtifactError, match="golden users cannot be read"):
            served_golden.read(tmp_path)
