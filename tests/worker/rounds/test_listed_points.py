"""The actor lists what its text states: with the text, or asked afterwards; and where it cannot, the text stands."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from recommender.models import Catalog, ListedBy, RestReason, Round, RoundState, Source, Turn
from recommender.rounds import leases
from recommender.rounds.config import OpenConfig
from recommender.rounds.queries import proposal
from recommender.rounds.service import open_rounds
from reviews.models import Review
from tests.builders import make_catalog, make_end_user, make_interaction, make_item, make_round
from tests.openai_server import PREFERENCE, REASONABLE, Reply, error, says
from tests.worker.rounds.conftest import Serve
from worker.endpoint import server as endpoint
from worker.rounds.advance import advance

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
TEXT = f"{PREFERENCE} They praise war films; comedies bore them."
LISTED = [
    {"quote": "They praise war films", "about": "war", "polarity": "likes", "strength": "plain", "who": "subject"},
    {"quote": "comedies bore them", "about": "comedy", "polarity": "mixed", "strength": "plain", "who": "subject"},
]


@pytest.fixture
def catalog(transactional_db: None) -> Catalog:
    catalog = make_catalog()
    make_item(catalog, "Paths of Glory (1957)", genres=["War"])
    make_item(catalog, "The Kid (1921)", genres=["Comedy"])
    return catalog


def asks_for_list(request: dict[str, Any]) -> bool:
    return any("<text>\n" in message["content"] for message in request["messages"])


def script(*lists: Reply) -> Callable[[dict[str, Any], int], Reply]:
    """An actor whose text passes at once, and that answers so when it is asked for a list."""
    given = iter(lists)

    def answer(request: dict[str, Any], number: int) -> Reply:
        if request["model"] == "reflector":
            if "response_format" in request:
                return says('{"judgement": "reasonable", "reflection": ""}')
            return says(REASONABLE)
        if asks_for_list(request):
            return next(given)
        if "response_format" in request:
            return says(json.dumps({"text": TEXT, "statements": LISTED}))
        return says(TEXT)

    return answer


def run(catalog: Catalog, listed_by: ListedBy) -> Round:
    round_ = make_round(make_end_user(catalog), listed_by=listed_by)
    asyncio.run(advance([round_.pk]))
    round_.refresh_from_db()
    return round_


def stated(round_: Round) -> list[tuple[str, str, str, str]]:
    """As the card has it: the review reads its text when it is opened."""
    turn = round_.turns.get(kind="reason")
    rows = turn.statements.exclude(key__startswith="phrase").order_by("place")
    return list(rows.values_list("key", "polarity", "source", "otherwise"))


def test_the_actor_lists_with_its_text_where_the_endpoint_holds_a_schema(serve: Serve, catalog: Catalog) -> None:
    server = serve(script(), structured="json_schema")
    round_ = run(catalog, ListedBy.WITH_TEXT)

    assert round_.rest_reason == RestReason.REASONABLE
    assert round_.turns.get(kind="reason").text == TEXT
    assert stated(round_) == [
        ("genres=War", "likes", Source.ACTOR, ""),
        ("genres=Comedy", "mixed", Source.ACTOR, "dislikes"),  # the app reads something else: the card says so
    ]
    assert len(server.requests) == 2
    schema = server.asked("actor")[0]["response_format"]["json_schema"]
    assert set(schema["schema"]["properties"]) == {"text", "statements"}
    assert not set(schema["name"]) & set("./+")
    assert server.asked("reflector")[0]["messages"][1]["content"].count('"statements"') == 0


def test_without_a_schema_it_is_asked_afterwards(serve: Serve, catalog: Catalog) -> None:
    server = serve(script(says(json.dumps({"statements": LISTED}))))
    round_ = run(catalog, ListedBy.WITH_TEXT)

    assert [row[2] for row in stated(round_)] == [Source.EXTRACTION, Source.EXTRACTION]
    assert [call.step for call in round_.calls.order_by("pk")] == ["reason", "reflect", "list"]
    assert "response_format" not in server.asked("actor")[-1]
    assert Review.objects.get().round == round_


def test_nobody_is_asked_unless_that_is_wanted(serve: Serve, catalog: Catalog) -> None:
    server = serve(script())
    round_ = run(catalog, ListedBy.NOBODY)

    assert len(server.requests) == 2
    assert {row[2:] for row in stated(round_)} == {(Source.READER, "")}


def test_a_list_that_cannot_be_read_goes_back_once_and_then_the_text_stands(serve: Serve, catalog: Catalog) -> None:
    serve(script(says("Here you are!"), says("I listed it.")))
    round_ = run(catalog, ListedBy.AFTERWARDS)

    assert (round_.state, round_.rest_reason) == (RoundState.RESTING, RestReason.REASONABLE)
    assert "statements" in round_.turns.get(kind="reason").listed["error"]
    assert {row[2:] for row in stated(round_)} == {(Source.READER, "")}
    assert [call.error_kind for call in round_.calls.filter(step="list")] == ["malformed", "malformed"]


def test_a_second_answer_may_be_right(serve: Serve, catalog: Catalog) -> None:
    serve(script(says("Here you are!"), says(f"```json\n{json.dumps({'statements': LISTED})}\n```")))
    round_ = run(catalog, ListedBy.AFTERWARDS)

    assert len(stated(round_)) == 2
    assert "error" not in round_.turns.get(kind="reason").listed


@pytest.mark.parametrize("structured", ["json_schema", "tags"])
def test_odd_entries_cost_neither_text_nor_list(serve: Serve, catalog: Catalog, structured: str) -> None:
    odd = [
        {"quote": "They praise \x00war films", "about": "\ud800", "polarity": "likes", "strength": "plain"},
        {"quote": "x", "about": "war", "polarity": ["likes"], "strength": {"a": 1}, "who": 3},
        {"quote": "They praise war films", "about": "war", "polarity": "likes", "strength": ["strong"], "who": []},
        "war",
        7,
    ]
    answer = says(json.dumps({"text": TEXT, "statements": odd}))
    plain = script(answer)

    def told(request: dict[str, Any], number: int) -> Reply:
        return answer if request["model"] == "actor" and structured == "json_schema" else plain(request, number)

    serve(told, structured=structured)
    round_ = run(catalog, ListedBy.WITH_TEXT)

    assert (round_.state, round_.rest_reason, round_.error) == (RoundState.RESTING, RestReason.REASONABLE, "")
    assert ("genres=War", "likes") in {row[:2] for row in stated(round_)}


def test_an_endpoint_that_refuses_the_list_costs_no_text(serve: Serve, catalog: Catalog) -> None:
    serve(script(error(401, "no")))
    round_ = run(catalog, ListedBy.AFTERWARDS)

    assert round_.rest_reason == RestReason.REASONABLE
    assert Review.objects.get().round == round_


def test_an_endpoint_that_stays_busy_costs_no_text(
    serve: Serve, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "MOST_ATTEMPTS", 2)
    monkeypatch.setattr(leases, "backoff", lambda *_, **__: 0.0)
    serve(script(error(503, "busy"), error(503, "busy")))
    round_ = run(catalog, ListedBy.AFTERWARDS)

    assert round_.rest_reason == RestReason.REASONABLE
    assert "busy" in round_.turns.get(kind="reason").listed["error"]


def test_a_paid_list_is_not_asked_for_again(serve: Serve, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(script(says(json.dumps({"statements": LISTED}))))
    store = leases.store

    def loses_the_lease(entries: Any, *, token: str) -> list[bool]:
        if any(entry.listed for entry in entries):
            Round.objects.update(lease_token="another", state=RoundState.WAITING)
        return store(entries, token=token)

    with monkeypatch.context() as patch:
        patch.setattr(leases, "store", loses_the_lease)
        round_ = run(catalog, ListedBy.AFTERWARDS)
    assert Turn.objects.get(kind="reason").listed is None
    asked = len(server.requests)
    asyncio.run(advance([round_.pk]))

    assert len(server.requests) == asked
    assert len(stated(round_)) == 2


@pytest.mark.parametrize("structured", ["json_schema", "tags"])
def test_the_demonstration_models_list_what_their_texts_state(
    settings: Settings, catalog: Catalog, structured: str
) -> None:
    with endpoint.serve() as url:
        for role in ("actor", "reflector"):
            settings.LLM = settings.LLM | {
                role: settings.LLM[role] | {"base_url": url, "model": f"r4-demo-{role}", "structured": structured}
            }
        person = make_end_user(catalog)
        for number in range(16):
            genre, rating = ("War", 5.0) if number % 2 else ("Comedy", 1.0)
            make_interaction(person, make_item(catalog, genres=[genre]), rating=rating, moment=number + 1)
        open_rounds(catalog, OpenConfig(subjects="end-users", points=ListedBy.WITH_TEXT))
        round_ = Round.objects.get()
        asyncio.run(advance([round_.pk]))

    text = proposal(round_)
    assert text is not None
    assert text.listed is not None
    assert text.listed["by"] == (ListedBy.WITH_TEXT if structured == "json_schema" else ListedBy.AFTERWARDS)
    said = {(one["about"].lower(), one["polarity"]) for one in text.listed["statements"]}
    assert {("war", "likes"), ("comedy", "dislikes")} <= said
    assert text.statements.filter(key="genres=War", polarity="likes").get().otherwise == ""
