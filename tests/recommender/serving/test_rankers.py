"""Rankers by scenario: whatever ranks, the list is made, explained, logged and answered in the same way."""

import uuid

import numpy as np
import pytest
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.artifacts import verified
from recommender.models import BackboneVersion, EndUser, Recommendation
from recommender.serving import rankers
from recommender.serving.recommend import preview, recommend
from recommender.serving.request import Request, best, request_for, score
from recommender.serving.types import CannotRankError, Effects, HistoryReason, Ranked
from tests.builders import make_account


def by_id(request: Request, *, attribute: bool) -> Ranked:
    """The external ids from the last to the first; the last interaction is what contributed, and all that did."""
    scores = np.array([int(name[1:]) for name in request.item_ids], dtype=np.float64)
    listed = best(request, scores)
    latest = Effects(np.eye(len(request.history))[-1])
    attribution = {int(request.index.pks[position]): latest for position, _ in listed} if attribute else None
    return Ranked("backbone", listed, attribution=attribution)


def refusing(request: Request, *, attribute: bool) -> Ranked:
    raise CannotRankError("It has not been trained yet.")


@pytest.fixture
def scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, ranker in {"by id": by_id, "refusing": refusing}.items():
        monkeypatch.setitem(rankers.RANKERS, name, ranker)


@pytest.mark.usefixtures("scenarios")
def test_another_scenario_is_ranked_by_its_own_ranker_and_logged(reader: EndUser) -> None:
    served = recommend(reader, limit=3, scenario="by id")
    unmet = reader.catalog.items.exclude(interactions__end_user=reader).order_by("-external_id")

    assert [item.item_id for item in served.items] == list(unmet.values_list("external_id", flat=True)[:3])
    assert (served.backbone, served.degraded) == (None, False)
    assert Recommendation.objects.get().items[0]["item_id"] == served.items[0].item_id


@pytest.mark.usefixtures("scenarios")
def test_another_ranker_s_attribution_is_shown(reader: EndUser) -> None:
    latest = reader.interactions.latest("moment").item
    for item in preview(reader, limit=3, level="full", scenario="by id").items:
        (reason,) = item.of(HistoryReason)
        assert (reason.item_id, reason.share, reason.direction) == (latest.external_id, 1.0, "for")


@pytest.mark.usefixtures("scenarios")
def test_a_ranker_that_cannot_rank_leaves_it_to_the_rungs_below_and_says_why(reader: EndUser) -> None:
    served = preview(reader, limit=3, scenario="refusing")

    assert (served.source, served.degraded_reason) == ("popular", "It has not been trained yet.")
    assert len(served.items) == 3


def test_a_scenario_that_nobody_ranks_is_an_error_that_names_those_there_are(reader: EndUser) -> None:
    with pytest.raises(rankers.UnknownScenarioError, match=r"no scenario “thinking”\. Known: backbone"):
        recommend(reader, limit=3, scenario="thinking")
    assert not Recommendation.objects.exists()


def test_the_rest_view_answers_with_whatever_ranks(reader: EndUser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rankers.RANKERS, rankers.DEFAULT, by_id)
    _, key = create_token("tests", account=make_account())
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {key}")
    answer = client.get(f"/api/v1/catalogs/{reader.catalog.name}/users/{reader.external_id}/recommendations").json()
    best_first = sorted(request_for(reader, limit=1).item_ids, reverse=True)

    assert [item["item_id"] for item in answer["items"]] == best_first[:10]
    assert (answer["source"], answer["backbone"]) == ("backbone", None)


def test_what_a_request_says_is_what_is_served(reader: EndUser) -> None:
    request = request_for(reader, limit=5)
    listed = best(request, score(request, verified.load(BackboneVersion.objects.get())).scores)
    served = preview(reader, limit=5)

    assert [(request.index.external_ids[position], value) for position, value in listed] == [
        (item.item_id, item.score) for item in served.items
    ]


def test_work_for_afterwards_is_done_with_the_logged_id_and_never_for_a_preview(
    reader: EndUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[uuid.UUID] = []

    def remembering(request: Request, *, attribute: bool) -> Ranked:
        return Ranked("backbone", [], afterwards=told.append)

    monkeypatch.setitem(rankers.RANKERS, "remembering", remembering)
    preview(reader, limit=1, scenario="remembering")
    assert told == []
    served = recommend(reader, limit=1, scenario="remembering")
    assert told == [served.recommendation_id]
