"""The OpenAPI schema: readable by everybody, committed, and kept by the code."""

from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from r4web.wsgi import application
from recommender.accounts.tokens import create_token
from recommender.models import Catalog, Role, TokenScope
from tests.builders import make_account

SNAPSHOT = Path(__file__).parents[3] / "docs" / "openapi.yaml"
PLAIN = {"Accept-Encoding": "identity"}  # schemathesis does not unpack what a WSGI application packs
BOUNDED = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much, HealthCheck.too_slow],
)


@cache
def loaded() -> Any:
    """The schema and what is made of it: once a process."""
    return schemathesis.openapi.from_wsgi("/api/v1/schema/", application)


@pytest.fixture
def schema(films: Catalog) -> Iterator[Any]:
    """Asked in this process, within the test's transaction: requests must leave its connection open."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield loaded()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def as_schemas_can_say(case: schemathesis.Case, mode: GenerationMode) -> None:
    """Without what is right or wrong by more than a schema knows: a signature, a grammar, the clock, NUL."""
    if mode == GenerationMode.POSITIVE:
        for name in ("cursor", "filter", "as_of"):
            case.query.pop(name, None)
        if any("\0" in item_id for item_id in case.query.get("exclude", ())):
            del case.query["exclude"]


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("operation", ["list_catalogs", "recommend", "replay_recommendation"])
def test_whatever_is_asked_the_answer_keeps_the_schema(
    schema: Any, key: str, operation: str, mode: GenerationMode
) -> None:
    @BOUNDED
    @given(case=schema.find_operation_by_id(operation).as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        as_schemas_can_say(case, mode)
        case.call_and_validate(headers=PLAIN | {"Authorization": f"Bearer {key}"})

    check()


@pytest.mark.parametrize("mode", GenerationMode)
def test_lists_of_a_known_end_user_keep_the_schema(schema: Any, key: str, mode: GenerationMode) -> None:
    @BOUNDED
    @given(case=schema.find_operation_by_id("recommend").as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        case.path_parameters = {"catalog": "films", "user_id": "u1"}
        as_schemas_can_say(case, mode)
        case.call_and_validate(headers=PLAIN | {"Authorization": f"Bearer {key}"})

    check()


@pytest.mark.once
@pytest.mark.parametrize("operation", ["send_events", "send_items", "send_users"])
def test_whatever_may_be_sent_is_answered_as_the_schema_says(schema: Any, films: Catalog, operation: str) -> None:
    _, writing = create_token("writing", account=make_account(role=Role.LEAD), scopes=list(TokenScope))

    @BOUNDED
    @given(case=schema.find_operation_by_id(operation).as_strategy(generation_mode=GenerationMode.POSITIVE))
    def check(case: schemathesis.Case) -> None:
        case.path_parameters = {"catalog": "films"}
        entries = operation.removeprefix("send_")
        case.body = {entries: case.body.get(entries, [])}  # the schema cannot say that there is no other member
        case.headers.pop("Idempotency-Key", None)  # the same one with another body is an error
        case.call_and_validate(headers=PLAIN | {"Authorization": f"Bearer {writing}"})

    check()


def test_the_committed_schema_is_the_code_s() -> None:
    """`manage.py spectacular --file docs/openapi.yaml --validate --fail-on-warn` writes it anew."""
    made = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=made)
    assert yaml.safe_load(made.getvalue()) == yaml.safe_load(SNAPSHOT.read_text())


@pytest.mark.parametrize("accept", ["application/json", "application/yaml", "*/*"])
def test_the_schema_needs_no_token(client: Client, accept: str) -> None:
    answer = client.get("/api/v1/schema/", headers={"Accept": accept})
    assert answer.status_code == 200
    assert yaml.safe_load(answer.content)["openapi"].startswith("3.")


def test_the_docs_page_needs_no_token_and_holds_no_inline_code(client: Client) -> None:
    page = client.get("/api/v1/docs/", headers={"Accept": "text/html"})
    assert page.status_code == 200
    text = page.content.decode()
    assert "<style" not in text
    assert "style=" not in text
    assert all(script.startswith(" src=") for script in text.split("<script")[1:])
    script = client.get("/api/v1/docs/?script=")
    assert script["Content-Type"] == "application/javascript"
    assert "/api/v1/schema/" in script.content.decode()
