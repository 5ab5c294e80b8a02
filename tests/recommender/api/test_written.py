"""What is written by hand is what the serializers, and so the schema, say."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from rest_framework.renderers import JSONRenderer

from recommender.api.resource import Body, written
from recommender.api.v1.recommendations import RecommendationsSerializer
from recommender.api.v1.written import a_list
from recommender.models import BackboneVersion, Clock, KnowledgeSnapshot
from recommender.serving.codes import DegradedCode, Notice, NoticeCode
from recommender.serving.served import Served, ServedItem, Understood
from recommender.serving.types import (
    AdapterShare,
    Author,
    Explanation,
    HistoryReason,
    KeptAway,
    Moment,
    RuleReason,
    ScoredReason,
    Shown,
    StatementReason,
    StatisticReason,
    TextStatement,
    ToldReason,
    UserTextReason,
)
from recommender.statements.phrases import Sentence

AT = datetime(2026, 11, 29, 10, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))


def explanation(**told: Any) -> Explanation:
    made = Explanation("user", 7, "Likes “war”.\u2028", "reviewed", 3, Moment(1_000, Clock.SECONDS), Author("person"))
    return replace(made, reviewed_at=AT, **told)


def served(clock: Clock) -> Served:
    """With every kind of reason, and whatever may be null once null and once not."""
    moment = Moment(1_700_000_000, clock)
    stated = TextStatement(4, "war", "likes", "war", "Ann", 1, 2)
    reasons = (
        HistoryReason("i1", "One", None, None, moment, "shared_attributes", ("war",)),
        HistoryReason("i2", "Two", 4.0, True, moment, "backbone", (), 0.5, 0.25, "for"),
        StatementReason(4, 7, "war", "likes", 0.5, 0.25, "for"),
        StatementReason(4, 7, "war", "likes", 0.5, 0.25, "for", sentence=Sentence(9, 0, 9, "A battle.", "battle")),
        ToldReason("war", "dislikes", -0.5, 0.25, "against"),
        ToldReason("war", "likes", 0.5, 0.2, "for", sentence=Sentence(None, 0, 9, "A battle.", "", "synopsis")),
        UserTextReason(None, -0.5, 0.25, "against"),
        StatisticReason("popularity", "Met by 3."),
        RuleReason(9, "pin", ""),
        ScoredReason("", "", None, "", None, "m", "p.v1", moment, AT),
        ScoredReason("t", "yes", True, "n", 1.5, "m", "p.v1", moment, AT, (AdapterShare("a", 1.0),), 0.1, 0.7, True),
    )
    author = Author("model", "r4-demo-actor")
    full = explanation(further={8: "More."}, in_snapshot=True, written_by=author, statements=(stated,))
    return Served(
        catalog="films",
        user_id="ü",
        backbone=BackboneVersion(number=3, architecture="din", snapshot=KnowledgeSnapshot(number=2)),
        source="backbone",
        degraded_reason="",
        generated_at=AT.astimezone(UTC),
        items=(
            ServedItem("i3", "Three", 1, 0.123456789, Shown("shown", full), reasons),
            ServedItem("i4", "Four", 2, None, Shown("withheld")),
        ),
        explain="full",
        about=Shown("shown", full),
        kept_away=(KeptAway("text", stated), KeptAway("request", replace(stated, statement_id=-1, quote=""))),
        as_of=moment,
        next_cursor="c",
        recommendation_id=uuid.UUID(int=5),
        notices=(Notice(NoticeCode.PINNED, "A rule pins 1 item."),),
        understood=(Understood("war", "likes", "war", 3),),
    )


@pytest.mark.parametrize("clock", list(Clock))
def test_a_list_is_written_as_its_serializer_has_it(clock: Clock) -> None:
    full = served(clock)
    bare = replace(
        full,
        backbone=None,
        degraded_reason="None.",
        degraded_code=DegradedCode.NO_BACKBONE,
        source="newest",
        as_of=None,
        next_cursor="",
        recommendation_id=None,
        about=Shown("not_asked"),
        items=(),
    )
    for one in (full, bare):
        assert written(a_list(one)) == JSONRenderer().render(RecommendationsSerializer().to_representation(one))


def test_fields_leave_the_rest_of_items_out() -> None:
    chosen = a_list(served(Clock.SECONDS), fields=["score"])["items"]
    assert [list(item) for item in chosen] == [["item_id", "rank", "score"]] * 2


def test_a_body_has_all_members_and_an_etag_of_what_does_not_change() -> None:
    data = {"a": 1, "at": "now", "b": [None, 1.5, "“\u2029"], "cursor": None}
    one = Body.of(data, leaving_out=("at", "cursor"))
    other = Body.of(data | {"at": "later"}, leaving_out=("at", "cursor"))
    assert json.loads(one.content) == data
    assert one.etag == other.etag != Body.of(data).etag
