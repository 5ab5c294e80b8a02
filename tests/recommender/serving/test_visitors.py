"""Somebody the catalog does not know: a list for everybody, from what the request tells, and none of it is kept."""

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.grounding import reader
from recommender.grounding.statements import Facet
from recommender.grounding.statements import Statement as Said
from recommender.models import BackboneVersion, Catalog, Clock, EndUser, Recommendation, VersionState
from recommender.serving.codes import NoticeCode
from recommender.serving.recommend import recommend
from recommender.serving.served import Served
from recommender.serving.session import NOTHING_TOLD, Met, session_of
from recommender.serving.types import HistoryReason, ToldReason
from recommender.serving.whom import Visitor
from recommender.statements import aspects
from tests.builders import make_catalog, make_end_user, make_interaction, make_item

LIKED_WESTERNS = [Met(f"i{number:03}", liked=number % 4 == 3) for number in range(12)]  # i003 is a western, and so on


@pytest.fixture(autouse=True)
def nothing_read() -> None:
    aspects.KEPT.clear()


def listed(catalog: Catalog, *, user_id: str = "", limit: int = 8, level: Any = "full", **told: Any) -> Served:
    whom = Visitor(catalog, user_id)
    return recommend(whom, limit=limit, level=level, session=session_of(catalog, **told), min_review="any")


def genres(served: Served, catalog: Catalog) -> list[str]:
    known = dict(catalog.items.values_list("external_id", "attributes"))
    return [known[item.item_id]["genres"][0] for item in served.items]


def codes(served: Served) -> set[str]:
    return {notice.code for notice in served.notices}


def test_an_unknown_end_user_gets_what_is_popular_and_the_reason_in_a_code(ranked: Catalog) -> None:
    served = listed(ranked, user_id="stranger")
    assert (served.user_id, served.source, served.degraded_code) == ("stranger", "popular", "unknown_user")
    assert served.degraded
    assert len(served.items) == 8
    assert listed(ranked).degraded_code == "no_history"


def test_a_posted_history_is_ranked_by_the_backbone_and_its_items_are_not_listed(ranked: Catalog) -> None:
    served = listed(ranked, history=LIKED_WESTERNS)
    assert (served.source, served.degraded) == ("backbone", False)
    assert not {met.item_id for met in LIKED_WESTERNS} & {item.item_id for item in served.items}
    assert genres(served, ranked).count("Western") > 4
    named = {reason.item_id for item in served.items for reason in item.of(HistoryReason)}
    assert named
    assert named <= {met.item_id for met in LIKED_WESTERNS}


def test_what_an_end_user_met_just_now_comes_on_top_of_what_is_stored(ranked: Catalog, reader: EndUser) -> None:
    first = recommend(reader, limit=5).items[0].item_id
    session = session_of(ranked, history=[Met(first, liked=False)])
    served = recommend(reader, limit=100, session=session)
    assert first not in {item.item_id for item in served.items}
    assert len(served.items) == 15
    assert reader.interactions.count() == 24


def test_a_told_taste_acts_at_once_and_is_shown_as_it_was_read(ranked: Catalog) -> None:
    served = listed(ranked, text="I love westerns. No more horror, please!")
    assert (served.source, served.degraded_code) == ("knowledge", "no_history")
    assert set(genres(served, ranked)) == {"Western"}
    assert [(one.polarity, one.aspect, one.meets) for one in served.understood] == [
        ("likes", "Western", 10),
        ("dislikes", "Horror", 10),
    ]
    (reason,) = served.items[0].of(ToldReason)
    assert (reason.aspect, reason.polarity, reason.direction) == ("Western", "likes", "for")
    everything = listed(ranked, text="I love westerns. No more horror, please!", limit=100)
    assert set(genres(everything, ranked)) == {"Western", "Comedy", "Drama"}
    scores = [item.score for item in everything.items if item.score is not None]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Ich liebe Western.", "Western"),
        ("Me encantan las comedias.", "Comedy"),
        ("comedies are my thing; can't stand westerns or horror", "Comedy"),
        ("i really love dramas!!!", "Drama"),
    ],
)
def test_a_taste_may_be_told_in_other_words(ranked: Catalog, text: str, wanted: str) -> None:
    assert genres(listed(ranked, text=text, limit=4), ranked) == [wanted] * 4


@pytest.mark.parametrize("text", ["Bonjour, ça va ?", "asdf", "42", "🎬🎬", "\u202eevol I"])
def test_a_text_that_says_nothing_of_items_is_said_to(ranked: Catalog, text: str) -> None:
    served = listed(ranked, text=text)
    assert "text_not_understood" in codes(served)
    assert served.source == "popular"


def test_an_empty_text_and_an_empty_history_tell_nothing(ranked: Catalog) -> None:
    assert session_of(ranked, text=" \n ", history=[]) is NOTHING_TOLD


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=120))
def test_any_text_gets_a_list(ranked: Catalog, text: str) -> None:
    assert recommend(Visitor(ranked), limit=3, session=session_of(ranked, text=text), keep=False).items


def test_a_told_taste_moves_a_posted_history_s_list(ranked: Catalog) -> None:
    told = listed(ranked, history=LIKED_WESTERNS, text="I hate westerns.", limit=5)
    assert told.source == "backbone"
    assert "Western" not in genres(told, ranked)


def test_items_of_a_history_that_the_catalog_lacks_are_left_out_and_named(ranked: Catalog) -> None:
    strangers = [Met("nope"), Met("i\x00"), *(Met(f"x{number}") for number in range(20))]
    served = listed(ranked, history=[*LIKED_WESTERNS, *strangers])
    (notice,) = [notice for notice in served.notices if notice.code == "unknown_items"]
    assert notice.detail.startswith("The catalog does not have these items of the history: “nope”,")
    assert notice.detail.endswith("and 12 more.")
    assert served.source == "backbone"


def test_a_history_of_nothing_known_is_no_history(ranked: Catalog) -> None:
    served = listed(ranked, user_id="stranger", history=[Met("nope", 5.0)])
    assert (served.source, served.degraded_code) == ("popular", "unknown_user")
    assert "unknown_items" in codes(served)


def test_of_an_item_met_twice_the_last_time_counts(ranked: Catalog) -> None:
    session = session_of(ranked, history=[Met("i001", 5.0), Met("i002"), Met("i001", 1.0)])
    assert [(past.item_id, past.liked) for past in session.history] == [("i002", None), ("i001", False)]


def test_a_session_s_moments_are_of_now_on_the_catalog_s_clock(ranked: Catalog) -> None:
    (past,) = session_of(ranked, history=[Met("i001", 4.0)]).history
    assert abs(past.moment - time.time()) < 60
    assert (past.rating, past.label, past.liked) == (4.0, None, True)


def test_nothing_that_was_told_is_kept(ranked: Catalog, reader: EndUser) -> None:
    told = {"history": LIKED_WESTERNS, "text": "I adore zzz westerns."}
    listed(ranked, user_id="stranger-7", **told)
    recommend(
        reader,
        limit=5,
        level="full",
        session=session_of(ranked, history=LIKED_WESTERNS[:1], text="I adore zzz westerns."),
    )
    by_visitor, by_reader = Recommendation.objects.order_by("created_at")
    assert (by_visitor.end_user, by_reader.end_user) == (None, reader)
    for logged in (by_visitor, by_reader):
        kept = json.dumps([logged.items, logged.about, logged.degraded_reason])
        assert "zzz" not in kept
        assert "stranger-7" not in kept
        assert "reasons" not in kept
        assert not {met.item_id for met in LIKED_WESTERNS} & {item["item_id"] for item in by_visitor.items}


def test_a_visitor_s_list_has_one_page(ranked: Catalog, reader: EndUser) -> None:
    assert recommend(reader, limit=3).next_cursor
    assert listed(ranked, history=LIKED_WESTERNS, limit=3).next_cursor == ""
    assert recommend(reader, limit=3, session=session_of(ranked, history=[Met("i001")])).next_cursor == ""


def test_without_a_backbone_a_posted_history_s_list_is_popular(ranked: Catalog) -> None:
    BackboneVersion.objects.update(state=VersionState.RETIRED)
    served = listed(ranked, history=LIKED_WESTERNS)
    assert (served.source, served.degraded_code) == ("popular", "no_backbone")
    assert not {met.item_id for met in LIKED_WESTERNS} & {item.item_id for item in served.items}


def test_a_scenario_that_needs_somebody_known_serves_the_backbone_s_order(ranked: Catalog) -> None:
    session = session_of(ranked, history=LIKED_WESTERNS)
    served = recommend(Visitor(ranked), limit=5, scenario="thinkrec", session=session)
    assert (served.source, served.degraded_code) == ("backbone", "no_scored_list")


def test_where_statements_speak_against_everything_there_is_the_list_is_still_one(db: None) -> None:
    catalog = make_catalog()
    make_interaction(make_end_user(catalog), make_item(catalog, external_id="only"))
    served = listed(catalog, text="I hate dramas.", limit=3)
    assert (served.source, [item.item_id for item in served.items]) == ("popular", ["only"])


def test_a_switched_off_knob_switches_told_tastes_off_too(ranked: Catalog) -> None:
    ranked.steering = 0.0
    served = listed(ranked, text="I love westerns.")
    assert served.source == "popular"
    assert [notice.code for notice in served.notices] == ["moves_nothing"]


def test_nobody_knows_when_a_posted_history_was(ranked: Catalog) -> None:
    for clock in Clock.values:
        ranked.clock = clock
        served = recommend(Visitor(ranked), limit=1, level="full", session=session_of(ranked, history=LIKED_WESTERNS))
        named = [reason for reason in served.items[0].reasons if isinstance(reason, HistoryReason)]
        assert named
        assert {(reason.met.at, reason.met.order) for reason in named} == {(None, None)}


def test_what_may_be_meant_either_way_round_moves_nothing_and_is_said(
    ranked: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsure = Said((Facet("attribute", "genres", "Horror"),), "likes", start=0, end=7, sureness=0.6)
    monkeypatch.setattr(reader, "read", lambda *_, **__: [unsure])
    told = session_of(ranked, text="Horror?")
    assert (told.said, told.understood) == ([], ())
    (notice,) = told.notices
    assert (notice.code, "Horror" in notice.detail) == (NoticeCode.TEXT_UNSURE, True)
