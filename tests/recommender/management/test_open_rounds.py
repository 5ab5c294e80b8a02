"""`manage.py open_rounds` as a user types it."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from celery import Celery
from django.core.management import CommandError, call_command
from pytest_django import Settings

from recommender.models import Catalog, Round, RoundState
from recommender.rounds.config import OpenConfig
from recommender.rounds.service import open_rounds
from tests import openai_server
from tests.builders import make_catalog, make_end_user, make_interaction, make_item
from tests.conftest import ROOT
from tests.openai_server import REASONABLE, ScriptedServer, loop_script
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
Manage = Callable[..., subprocess.CompletedProcess[str]]
NOWHERE = "redis+socket:///nowhere/valkey.sock"


@pytest.fixture
def catalog() -> Catalog:
    catalog = make_catalog("films")
    end_user, item = make_end_user(catalog), make_item(catalog)
    make_interaction(end_user, item, moment=1)
    return catalog


@pytest.fixture
def endpoint(settings: Settings) -> Iterator[ScriptedServer]:
    with openai_server.running(loop_script(REASONABLE)) as server:
        settings.LLM = server.endpoints()
        yield server


def test_waiting_ends_when_all_rounds_rest(
    catalog: Catalog, endpoint: ScriptedServer, live_worker: Celery, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("open_rounds", "films", "--subjects", "all", "--wait", "--json")
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert (report["opened"], report["progress"]["resting"], report["progress"]["finished"]) == (2, 2, True)
    assert "Opened 2 rounds in films: 1 about end users, 1 about items." in shown.err
    assert "2 of 2 rounds" in shown.err
    assert "tokens" in shown.err
    call_command("open_rounds", "films", "--subjects", "all", "--wait")
    assert "Nothing to open" in capsys.readouterr().err
    assert Round.objects.count() == 2


def test_windows_strategy_and_low_activity_are_options_and_who_is_left_out_is_said(
    catalog: Catalog, broker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    active = make_end_user(catalog)
    for moment in range(1, 24):
        make_interaction(active, make_item(catalog), moment=moment)
    options = ["--window", "sliding", "--windows", "2", "--stride", "5", "--strategy", "filter", "--drafts", "4"]
    call_command("open_rounds", "films", "--subjects", "end-users", *options, "--low-activity", "5", "--json")
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert (report["opened"], report["low_activity"]) == (2, 1)
    assert "Left out for low activity: 1 end users" in shown.err
    assert {(r.strategy, r.drafts_wanted) for r in Round.objects.all()} == {("filter", 4)}
    assert sorted(Round.objects.values_list("as_of", flat=True)) == [19, 24]


def test_where_no_history_is_long_enough_that_is_said(
    catalog: Catalog, broker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("open_rounds", "films", "--subjects", "end-users", "--window", "sliding", "--wait")
    said = capsys.readouterr().err
    assert "Nothing to open in films" in said
    assert "too short a history" in said
    assert "0 of 0" not in said


def test_by_the_other_strategy_the_same_subject_gets_another_round(catalog: Catalog, broker: str) -> None:
    for strategy, opened in (("refine", 1), ("filter", 1), ("filter", 0)):
        before = Round.objects.count()
        call_command("open_rounds", "films", "--subjects", "items", "--strategy", strategy)
        assert Round.objects.count() - before == opened


def test_a_failed_round_is_said_with_its_error(catalog: Catalog, endpoint: ScriptedServer, live_worker: Celery) -> None:
    endpoint.script = lambda *_: openai_server.error(401, "no such key")
    with pytest.raises(CommandError, match="R4_ACTOR_API_KEY"):
        call_command("open_rounds", "films", "--subjects", "items", "--wait")


def test_waiting_watches_what_an_earlier_command_opened(
    catalog: Catalog, endpoint: ScriptedServer, live_worker: Celery, capsys: pytest.CaptureFixture[str]
) -> None:
    open_rounds(catalog, OpenConfig(subjects="all"))
    call_command("open_rounds", "films", "--subjects", "all", "--wait")
    assert not Round.objects.exclude(state=RoundState.RESTING).exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope", "--subjects", "all"], "There is no catalog 'nope' (known: films)"),
        (["films", "--subjects", "all", "--limit", "0"], "must be a whole number above 0"),
        (["films", "--subjects", "people"], "invalid choice: 'people'"),
        (["films", "--subjects", "all", "--stride", "5"], "add --window sliding"),
        (["films", "--subjects", "all", "--windows", "2"], "add --window sliding"),
        (["films", "--subjects", "all", "--drafts", "5"], "add --strategy filter"),
        (["films", "--subjects", "all", "--strategy", "filter", "--drafts", "1"], "from 2 to 20"),
    ],
)
def test_a_mistake_is_one_clear_sentence(catalog: Catalog, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError) as raised:
        call_command("open_rounds", *arguments)
    assert said in str(raised.value)
    assert not Round.objects.exists()


def test_without_a_broker_the_rounds_wait_and_that_is_said(catalog: Catalog, manage: Manage) -> None:
    done = manage("open_rounds", "films", "--subjects", "all", REDIS_URL=NOWHERE)
    assert (done.returncode, Round.objects.filter(state=RoundState.WAITING).count()) == (0, 2)
    assert "The broker cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert manage("open_rounds", "films", "--subjects", "all", "--wait", REDIS_URL=NOWHERE).returncode == 1


def test_without_a_worker_that_is_said_and_ctrl_c_leaves_the_rounds(
    catalog: Catalog, broker: str, child_environment: dict[str, str]
) -> None:
    lines: list[str] = []
    command = [sys.executable, "manage.py", "open_rounds", "films", "--subjects", "all", "--wait"]
    with subprocess.Popen(command, cwd=ROOT, env=child_environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None

        def told() -> bool:
            assert process.stderr is not None
            lines.append(process.stderr.readline())
            return "No worker is taking jobs" in lines[-1]

        wait_until(told, what="the sentence about workers")
        process.send_signal(signal.SIGINT)
        lines.append(process.stderr.read())
    assert process.returncode == 130
    assert "go on in the background" in lines[-1]
    assert Round.objects.filter(state=RoundState.WAITING).count() == 2
