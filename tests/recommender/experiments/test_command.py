"""`manage.py experiments`: the list, starting, stopping and what one found, in words and as REST says it."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.experiments.service import Plan, create
from recommender.models import AuditEntry, AuditEvent, Catalog, EndUser, Experiment, Role, TokenScope
from tests.builders import make_account
from tests.recommender.experiments.simulated import AB, running, shop, two_days_ago

pytestmark = pytest.mark.django_db
Run = Callable[..., str]


@pytest.fixture
def films() -> Catalog:
    return shop("films", people=0)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def called(*arguments: str) -> str:
        call_command("experiments", "films", *arguments)
        return capsys.readouterr().out

    return called


@pytest.fixture
def rest(films: Catalog) -> Callable[[str], Any]:
    client = APIClient()
    key = create_token("shop", account=make_account(role=Role.LEAD), scopes=[TokenScope.EXPERIMENTS_READ])[1]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return lambda path: client.get(f"/api/v1/catalogs/films/experiments{path}").json()


def test_one_is_listed_started_and_stopped(films: Catalog, run: Run) -> None:
    assert run() == "films has no experiments.\n"
    create(films, Plan(key="bolder", variants=AB), by=None)
    assert run() == "bolder (a, b; users who click): draft\n"
    assert run("--results", "bolder").endswith("Nobody has got its lists: it has not been started.\n")
    assert "bolder (a, b; users who click): running since" in run("--start", "bolder")
    assert "stopped since" in run("--stop", "bolder")
    assert Experiment.objects.get().stop_reason == "Stopped by a command."
    events = (AuditEvent.EXPERIMENT_STARTED, AuditEvent.EXPERIMENT_STOPPED)
    assert AuditEntry.objects.filter(event__in=events, name="").count() == 2


def test_what_cannot_be_is_said_in_one_sentence(films: Catalog, run: Run) -> None:
    running(films, key="first")
    create(films, Plan(key="second", variants=AB), by=None)
    for arguments, said in (
        (("--start", "second"), "Nothing was changed. “first” is running on the same lists. Stop it first."),
        (("--start", "first"), "Nothing was changed. It has been started before."),
        (("--stop", "second"), "“second” was not running (draft)."),
        (("--results", "third"), "films has no experiment 'third'. Experiments: first, second."),
    ):
        with pytest.raises(CommandError, match="^" + re.escape(said)):
            run(*arguments)
    with pytest.raises(CommandError, match="There is no catalog 'books'"):
        call_command("experiments", "books")


def test_what_was_found_is_said_in_words_and_as_rest_says_it(run: Run, rest: Callable[[str], Any]) -> None:
    catalog = Catalog.objects.get(name="films")
    EndUser.objects.bulk_create(
        EndUser(catalog=catalog, external_id=f"u{n:03}", attributes={"age": "young" if n % 2 else "old"})
        for n in range(600)
    )
    two_days_ago(running(catalog, planned=500), {"a": 30, "b": 65})
    words = run("--results", "try")
    assert "  b is better by 53 to 175 %: safe to stop.\n" in words
    assert "  600 lists; 600 users counted, 0 still being observed.\n" in words
    assert "  b against a: +100 % (+53 % to +175 %)\n" in words
    assert json.loads(run("--results", "try", "--json")) == rest("/try")
    assert json.loads(run("--json")) == rest("")


@pytest.mark.parametrize("plan", [{"kind": "interleaved"}, {"holdout": 0.1, "scenario": "backbone"}])
def test_of_every_kind_it_says_what_rest_says(
    films: Catalog, run: Run, rest: Callable[[str], Any], plan: dict[str, Any]
) -> None:
    running(films, **plan)
    assert json.loads(run("--results", "try", "--json")) == rest("/try")
