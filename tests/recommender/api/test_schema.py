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
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from benchmarks.fuzzing.right import MANY, make_right
from r4web.wsgi import application
from recommender.accounts.tokens import create_token
from recommender.api.openapi import LINKS
from recommender.knowledge.service import accept
from recommender.models import Catalog, EndUser, Item, Role, TokenScope
from tests.builders import make_account, make_round

SNAPSHOT = Path(__file__).parents[3] / "docs" / "openapi.yaml"
OPERATIONS = [
    one["operationId"] for path in yaml.safe_load(SNAPSHOT.read_text())["paths"].values() for one in path.values()
]
PLAIN = {"Accept-Encoding": "identity"}  # schemathesis does not unpack what a WSGI application packs
TIMES = {"at", "until", "timestamp", "since"}
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
    no_nul = SchemathesisConfig.from_dict({"generation": {"allow-x00": False}})  # as in make bench-fuzzing
    return schemathesis.openapi.from_wsgi("/api/v1/schema/", application, config=no_nul)


@pytest.fixture
def schema(films: Catalog) -> Iterator[Any]:
    """Asked in this process, within the test's transaction: requests must leave its connection open."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield loaded()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def everything(films: Catalog) -> dict[str, str]:
    """Headers with a token that may do everything, of a catalog in which the first texts are in force."""
    for subject in (EndUser.objects.get(external_id="u1"), Item.objects.get(external_id="f2")):
        accept(make_round(subject, ("reason", "They adore dramas."), ("reflect", "")).turns.get(index=0))
    account = make_account(role=Role.LEAD)
    key = create_token("everything", account=account, scopes=list(TokenScope), per_minute=0)[1]
    return PLAIN | {"Authorization": f"Bearer {key}"}


def as_schemas_can_say(case: schemathesis.Case) -> None:
    """About what is there, and without what is right or wrong by more than a schema knows."""
    known = {"catalog": "films", "user_id": "u1", "item_id": "f2"}
    case.path_parameters = {name: known.get(name, value) for name, value in (case.path_parameters or {}).items()}
    make_right(case)


def keeps_the_schema(case: schemathesis.Case, answer: Any, headers: dict[str, str]) -> None:
    """Fails unless status, headers and body are as the schema says, and what is taken and refused is, too."""
    skipped: list[Any] = []
    if case.operation.definition.raw["operationId"] in MANY:
        skipped.append(negative_data_rejection)
    if answer.status_code == 410:  # an earlier example erased them
        skipped.append(positive_data_acceptance)
    case.validate_response(
        answer, excluded_checks=skipped, headers=headers, transport_kwargs={"headers": dict(headers)}
    )


@pytest.mark.once
@pytest.mark.parametrize("operation", OPERATIONS)
def test_whatever_is_asked_the_answer_keeps_the_schema(schema: Any, everything: dict[str, str], operation: str) -> None:
    """A few requests of each; `make bench-fuzzing` sends ten thousand to a real server."""
    for mode in GenerationMode:

        @settings(BOUNDED, max_examples=6)
        @given(case=schema.find_operation_by_id(operation).as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            as_schemas_can_say(case)
            keeps_the_schema(case, case.call(headers=everything), everything)

        check()


@pytest.mark.once
def test_answers_lead_where_the_schema_says(schema: Any, everything: dict[str, str]) -> None:
    class Along(schema.as_state_machine()):  # type: ignore[misc]
        def before_call(self, case: schemathesis.Case) -> None:
            make_right(case)
            if "catalog" in (case.path_parameters or {}):
                case.path_parameters["catalog"] = "films"

        def get_call_kwargs(self, case: schemathesis.Case) -> dict[str, Any]:
            return {"headers": everything}

        def validate_response(self, response: Any, case: schemathesis.Case, *_: Any, **__: Any) -> None:
            keeps_the_schema(case, response, everything)

    Along.run(settings=settings(BOUNDED, max_examples=3, stateful_step_count=5))


def test_links_name_operations_and_what_they_take() -> None:
    described = yaml.safe_load(SNAPSHOT.read_text())
    operations = {
        one["operationId"]: one for path in described["paths"].values() for one in path.values() if "operationId" in one
    }
    assert set(LINKS) <= set(operations)
    for source in LINKS:
        answered = operations[source]["responses"][min(operations[source]["responses"])]
        assert list(answered["links"]) == list(LINKS[source])
        for link in answered["links"].values():
            taken = {one["name"]: one.get("required", False) for one in operations[link["operationId"]]["parameters"]}
            assert set(link["parameters"]) <= set(taken), (source, link)
            assert {name for name, required in taken.items() if required} <= set(link["parameters"]), (source, link)


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


def test_every_time_in_an_answer_is_a_date_time() -> None:
    """By its name; `as_of` is one of those that a catalog without a clock has not."""
    shapes = yaml.safe_load(SNAPSHOT.read_text())["components"]["schemas"]
    plain = {
        f"{shape}.{name}": said.get("format")
        for shape, described in shapes.items()
        for name, said in described.get("properties", {}).items()
        if name in TIMES or name.endswith(("_at", "_until"))
    }
    assert len(plain) > 30
    assert {name for name, kind in plain.items() if kind != "date-time"} == set()
