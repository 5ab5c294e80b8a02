import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.measures.ranking import Pairs, full_ranking, mean, of_samples
from recommender.measures.thinkrec import thinkrec

SCORE = st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.9])
SAMPLES = st.lists(st.tuples(st.integers(0, 1), SCORE, st.integers(0, 3)), min_size=1, max_size=30)
AT = (1, 2, 3, 5, 10)


def ranks_by_definition(scores, liked):
    """Of each liked one: how many must stand before it, those that only tie and are not liked too. O(n²)."""
    ranks = []
    for i in range(len(scores)):
        if liked[i]:
            rank = 1
            for j in range(len(scores)):
                tied_before = scores[j] == scores[i] and (not liked[j] or j < i)
                rank += scores[j] > scores[i] or (j != i and tied_before)
            ranks.append(rank)
    return ranks


def ndcg(ranks, k):
    best = sum(1 / math.log2(place + 1) for place in range(1, min(k, len(ranks)) + 1))
    return sum(1 / math.log2(rank + 1) for rank in ranks if rank <= k) / best


def average_precision(ranks, k, most):
    return sum(sum(other <= rank for other in ranks) / rank for rank in ranks if rank <= k) / most


@given(SAMPLES, st.sampled_from(AT))
def test_metrics_of_samples_are_those_of_the_definitions(samples, k):
    label, score, end_user = (np.array(column) for column in zip(*samples, strict=True))
    found = of_samples(label, score, end_user)
    for place, who in enumerate(np.unique(end_user)):
        own = end_user == who
        ranks = ranks_by_definition(score[own], label[own])
        if not ranks:
            assert np.isnan([found.ndcg(k)[place], found.average_precision(k)[place], found.recall(k)[place]]).all()
            continue
        assert found.ndcg(k)[place] == pytest.approx(ndcg(ranks, k))
        assert found.average_precision(k)[place] == pytest.approx(average_precision(ranks, k, min(k, len(ranks))))
        assert found.recall(k)[place] == pytest.approx(sum(rank <= k for rank in ranks) / len(ranks))


@given(SAMPLES, st.sampled_from(AT))
def test_thinkrecs_metrics_drop_one_sample_count_who_likes_nothing_as_zero_and_divide_by_all(samples, k):
    label, score, end_user = (np.array(column) for column in zip(*samples, strict=True))
    gains, precisions, areas = [], [], []
    for who in np.unique(end_user):
        own = end_user == who
        positive, negative = score[own & (label == 1)], score[own & (label == 0)]
        if len(positive) and len(negative):
            areas.append(np.mean([(p > n) + 0.5 * (p == n) for p in positive for n in negative]))
        if own.sum() > 1:
            ranks = ranks_by_definition(score[own], label[own])
            gains.append(ndcg(ranks, k) if ranks else 0)
            precisions.append(average_precision(ranks, k, len(ranks)) if ranks else 0)
    found = thinkrec(label, score, end_user, at=[k])

    for name, expected in (("ndcg@" + str(k), gains), ("map@" + str(k), precisions), ("uauc", areas)):
        assert mean(found[f"thinkrec_{name}"]) == pytest.approx(np.mean(expected) if expected else None)


PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), max_size=20)


def pairs(rows):
    return Pairs(*np.array(rows, dtype=np.int64).reshape(-1, 2).T)


@given(PAIRS, PAIRS, st.integers(0, 99), st.integers(1, 4))
def test_a_full_ranking_ranks_every_unseen_item_and_no_other(seen, liked, seed, at_once):
    scores = np.random.default_rng(seed).integers(0, 4, size=(6, 8)).astype(np.float32)
    end_users = np.array([0, 1, 3, 5])
    found = full_ranking(lambda who: scores[who], end_users, seen=pairs(seen), liked=pairs(liked), at_once=at_once)
    for place, who in enumerate(end_users):
        candidates = [item for item in range(8) if (who, item) not in seen]
        wanted = [(who, item) in liked for item in candidates]
        own = found.rank[found.end_user == place].tolist()

        assert sorted(ranks_by_definition(scores[who][candidates], wanted)) == own
        assert found.positives[place] == sum(wanted)


def test_a_constant_score_gains_nothing():
    found = full_ranking(
        lambda who: np.zeros((len(who), 50)), np.array([0]), seen=pairs([]), liked=pairs([(0, 0), (0, 7)])
    )

    assert found.rank.tolist() == [49, 50]
    assert mean(found.ndcg(10)) == 0


def test_the_best_list_scores_one():
    found = full_ranking(
        lambda who: -np.arange(50.0)[None].repeat(len(who), 0), np.array([4]), seen=pairs([]), liked=pairs([(4, 0)])
    )

    assert {name: mean(values) for name, values in found.each(at=[1, 10]).items()} == dict.fromkeys(
        ["ndcg@1", "ndcg@10", "map@1", "map@10", "recall@1", "recall@10"], 1.0
    )


def test_nobody_to_rank_has_no_metric():
    found = full_ranking(lambda who: np.zeros((0, 3)), np.zeros(0, np.int64), seen=pairs([]), liked=pairs([]))

    assert mean(found.ndcg(10)) is None


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="NaN or infinite"):
        full_ranking(lambda who: np.full((1, 3), np.nan), np.array([0]), seen=pairs([]), liked=pairs([]))
