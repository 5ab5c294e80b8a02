"""What may be meant either way round: over REST it is asked back, and moves nothing before it is answered."""

import pytest
from rest_framework.test import APIClient

from recommender.grounding import reader as reading
from recommender.grounding.statements import Facet
from recommender.grounding.statements import Statement as Said
from recommender.models import Statement
from tests.recommender.api.test_statements import api, films, genres, recommended, said

__all__ = ["api", "films"]

pytestmark = pytest.mark.django_db


def test_what_may_be_meant_either_way_round_is_asked_back_and_moves_nothing(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsure = Said((Facet("attribute", "genres", "Horror"),), "likes", start=0, end=7, sureness=0.6)
    sure = Said((Facet("attribute", "genres", "Western"),), "likes", start=9, end=23)
    monkeypatch.setattr(reading, "read", lambda *_, **__: [unsure, sure])
    answer = said(api, text="Horror? I love westerns.")
    asked = {"aspect": [{"kind": "attribute", "name": "genres", "value": "Horror"}], "about": "Horror"}
    assert [one["aspect"] for one in answer["understood"]] == ["Western"]
    assert answer["unsure"] == [asked | {"quote": "Horror?"}]
    assert Statement.objects.filter(turn=None).count() == 1
    assert "horror" in genres(recommended(api))

    monkeypatch.setattr(reading, "read", lambda *_, **__: [unsure])
    problem = said(api, 422, text="Horror?")
    assert problem["unsure"][0]["about"] == "Horror"
    assert "it is not sure whether this is liked or not: Horror" in problem["detail"]
    said(api, aspect=problem["unsure"][0]["aspect"], polarity="dislikes")  # what was asked back can be answered
