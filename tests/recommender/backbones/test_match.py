import torch

from recommender.backbones.match import SCALE, HistoryMatch
from recommender.catalogs.feedback import FIRST_RATING, LIKED, NOT_LIKED

LOWEST, HIGHEST = FIRST_RATING, FIRST_RATING + 8


def features(past, feedback, *, candidate=(1.0, 0.0)):
    match = HistoryMatch(HIGHEST + 1)
    attributes = torch.tensor([(0.0, 0.0), candidate, *past])  # item 0 is padding
    items = torch.tensor([[2 + n if any(row) else 0 for n, row in enumerate(past)]])
    return match(attributes, torch.tensor([[1]]), items, torch.tensor([feedback]))[0, 0] / SCALE


def test_liked_items_with_the_same_attributes_speak_for_a_candidate_and_disliked_ones_against():
    same, other = (1.0, 0.0), (0.0, 1.0)
    _, for_it, *_ = features([same, other], [HIGHEST, LOWEST])
    _, against, *_ = features([same, other], [LOWEST, HIGHEST])

    assert for_it > 0.2
    assert against < -0.2


def test_labels_count_as_the_ends_of_the_scale():
    rated, labelled = features([(1.0, 0.0)], [HIGHEST]), features([(1.0, 0.0)], [LIKED])

    assert torch.equal(rated, labelled)
    assert torch.equal(features([(1.0, 0.0)], [LOWEST]), features([(1.0, 0.0)], [NOT_LIKED]))


def test_nothing_in_common_or_no_history_says_nothing():
    assert features([(0.0, 0.0)], [0]).tolist() == [0.0] * 5
    _, wide, _, narrow, _ = features([(0.0, 1.0)], [HIGHEST])

    assert abs(wide) < 0.01
    assert abs(narrow) < 1e-4


def test_items_without_attributes_resemble_none():
    assert features([(1.0, 0.0)], [HIGHEST], candidate=(0.0, 0.0)).isfinite().all()
