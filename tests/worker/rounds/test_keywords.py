"""Keywords of items: asked of an endpoint that answers as models do, held against what was shown."""

import asyncio
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from recommender.models import Catalog, Item, RestReason, Round, RoundState
from recommender.rounds.config import OpenConfig
from recommender.rounds.queries import proposal
from recommender.rounds.service import open_rounds
from reviews.models import Review
from tests.builders import make_catalog, make_item
from tests.openai_server import Reply, error, says
from tests.worker.rounds.conftest import Serve
from worker.endpoint import server as endpoint
from worker.rounds.advance import advance

pytestmark = pytest.mark.django_db(transaction=True)
PLOT = "Bank robbers in Los Angeles feel the heat from the police when a heist leaves a clue behind."


@pytest.fixture
def catalog(transactional_db: None) -> Catalog:
    return make_catalog()


@pytest.fixture
def heat(catalog: Catalog) -> Item:
    return make_item(catalog, "Heat (1995)", genres=["Crime"], description=PLOT)


def run(catalog: Catalog, **more: Any) -> Round:
    batch = open_rounds(catalog, OpenConfig(purpose="keywords", **more))
    asyncio.run(advance(list(batch.rounds.values_list("pk", flat=True))))
    return batch.rounds.get()


def words(round_: Round) -> str:
    found = proposal(round_)
    return found.text if found else ""


@pytest.mark.usefixtures("heat")
@pytest.mark.parametrize(
    "answer",
    [
        "heist, Los Angeles, bank robbers, the police, romance",
        "Keywords: **heist**, Los Angeles; bank robber; Police.",
        "Sure! Here are the keywords:\n\n1. **Heist** – a theft\n2. Los Angeles\n3) bank robbers\n4. police: law\n",
        "- heist\n- Los Angeles\n- bank robbers\n- police\n- heists",
        '```json\n{"Key Words": ["heist", {"keyword": "Los Angeles", "score": 1}, "bank robbers", "police"]}\n```',
        '<think>Perhaps crime, clue, bank?</think>["heist", "Los Angeles", "bank robbers", "police", "2024"]',
    ],
)
def test_keywords_are_read_as_models_write_them_and_keep_their_order(
    serve: Serve, catalog: Catalog, answer: str
) -> None:
    server = serve(lambda request, number: says(answer))
    round_ = run(catalog)

    assert words(round_).replace("robbers", "robber") == "heist, los angeles, bank robber, police"
    assert (round_.state, round_.rest_reason) == (RoundState.RESTING, RestReason.CHECKED)
    assert Review.objects.get(round=round_).kind == "keywords"
    (asked,) = server.requests
    assert asked["model"] == "actor"
    assert PLOT in asked["messages"][1]["content"]


@pytest.mark.usefixtures("heat")
def test_an_endpoint_that_holds_a_schema_is_asked_for_json(serve: Serve, catalog: Catalog) -> None:
    server = serve(lambda request, number: says(json.dumps({"keywords": ["heist"]})), structured="json_schema")
    assert words(run(catalog)) == "heist"
    assert "keywords" in json.dumps(server.requests[0]["response_format"])


@pytest.mark.usefixtures("heat")
def test_what_stands_nowhere_in_the_source_goes_back_once_and_then_the_round_rests(
    serve: Serve, catalog: Catalog
) -> None:
    server = serve(lambda request, number: says("dinosaurs, spaceships, vampires"))
    round_ = run(catalog)
    assert (round_.rest_reason, words(round_)) == (RestReason.MALFORMED, "")
    assert "None of the keywords" in server.requests[1]["messages"][-1]["content"]
    assert len(server.requests) == 2
    assert not Review.objects.exists()


@pytest.mark.usefixtures("heat")
def test_a_failing_endpoint_is_asked_again_and_a_refusal_is_no_list(serve: Serve, catalog: Catalog) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if number == 1:
            return error(503, "Overloaded", retry_after="0")
        return says("I cannot help.", finish_reason="content_filter") if number == 2 else says("heist, police")

    serve(script)
    round_ = run(catalog)
    assert words(round_) == "heist, police"
    assert list(round_.calls.order_by("pk").values_list("error_kind", flat=True)) == ["transient", "malformed", ""]


def test_an_item_with_attributes_only_has_them_as_keywords_and_no_model_is_asked(
    serve: Serve, catalog: Catalog
) -> None:
    make_item(catalog, "Heat (1995)", genres=["Action", "Crime", "Sci-Fi"])
    server = serve(lambda request, number: says("never asked"))
    round_ = run(catalog)
    assert words(round_) == "action, crime, sci-fi"
    assert (server.requests, round_.turns.get().call) == ([], None)
    assert Review.objects.get().round == round_


def test_a_second_batch_asks_nobody_again_and_an_empty_item_is_left_out(serve: Serve, catalog: Catalog) -> None:
    make_item(catalog, "Nothing known", year=1990)
    make_item(catalog, "Heat", genres=["Crime"])
    serve(lambda request, number: says(""))
    assert run(catalog).item.title == "Heat"  # type: ignore[union-attr]
    err = StringIO()
    call_command("open_rounds", catalog.name, "--purpose", "keywords", "--subjects", "items", stderr=err)
    why = "was asked about before, or has neither a description nor attributes"
    assert f"Nothing to open in {catalog.name}: every subject asked for {why}" in err.getvalue()
    assert Round.objects.count() == 1


def test_the_demonstration_answers_from_what_it_is_shown(catalog: Catalog, heat: Item, settings: Any) -> None:
    with endpoint.serve() as url:
        settings.LLM = {role: told | {"base_url": url} for role, told in settings.LLM.items()}
        round_ = run(catalog)
    found = words(round_).split(", ")
    assert found[0] == "crime"
    assert "robbers" in found
    assert round_.calls.get().error_kind == ""  # by a JSON schema, at the first asking
