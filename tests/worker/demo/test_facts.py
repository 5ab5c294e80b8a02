import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate

from recommender.accounts.tokens import recognise, revoke
from recommender.models import Account, ApiToken
from tests.builders import make_catalog, make_end_user, make_interaction, make_item
from worker.demo import facts

pytestmark = pytest.mark.django_db
HERE = "http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    catalog = make_catalog(facts.CATALOG)
    make_end_user(catalog, "short")
    longest = make_end_user(catalog, "long")
    make_interaction(longest, make_item(catalog))


def test_the_facts_let_three_roles_sign_in_and_a_program_call(tmp_path: Path) -> None:
    facts.ensure(address=HERE)
    written = json.loads((tmp_path / "demo.json").read_text())
    assert (tmp_path / "demo.json").stat().st_mode & 0o777 == 0o600
    assert [one["role"] for one in written["accounts"]] == ["annotator", "lead", "pm"]
    for one in written["accounts"]:
        account = authenticate(username=one["username"], password=one["password"])
        assert isinstance(account, Account)
        assert account.role == one["role"]
    assert recognise(written["token"]).created_by.role == "lead"
    assert (written["address"], written["catalog"], written["user_id"]) == (HERE, "sample", "long")


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    first = facts.ensure(address=HERE)
    changed = (tmp_path / "demo.json").stat().st_mtime_ns
    assert facts.ensure(address=HERE) == first
    assert (tmp_path / "demo.json").stat().st_mtime_ns == changed
    assert (Account.objects.count(), ApiToken.objects.count()) == (3, 1)


def test_another_port_changes_the_address_only() -> None:
    first = facts.ensure(address=HERE)
    second = facts.ensure(address="http://127.0.0.1:9000")
    assert second.address == "http://127.0.0.1:9000"
    assert (second.accounts, second.token) == (first.accounts, first.token)


def test_a_lost_file_makes_new_passwords_that_work(tmp_path: Path) -> None:
    first = facts.ensure(address=HERE)
    (tmp_path / "demo.json").unlink()
    second = facts.ensure(address=HERE)
    assert second.accounts != first.accounts
    assert authenticate(username="pm", password=second.accounts[2].password) is not None
    assert recognise(second.token).created_by.username == "lead"


def test_the_same_passwords_serve_an_empty_database() -> None:
    first = facts.ensure(address=HERE)
    Account.objects.all().delete()
    second = facts.ensure(address=HERE)
    assert second.accounts == first.accounts
    assert authenticate(username="lead", password=second.accounts[1].password) is not None


def test_a_revoked_token_is_replaced() -> None:
    first = facts.ensure(address=HERE)
    revoke(ApiToken.objects.get())
    assert facts.ensure(address=HERE).token != first.token


def test_a_damaged_file_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text('{"accounts": [')
    facts.ensure(address=HERE)
    assert json.loads((tmp_path / "demo.json").read_text())["catalog"] == "sample"
