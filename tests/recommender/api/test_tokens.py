"""Tokens: a key is shown once, recognised by its hash, and its use is noted now and then."""

import json
import re
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from recommender.accounts import tokens
from recommender.accounts.people import change_catalogs
from recommender.accounts.tokens import TokenRefusedError, create_token, recognise, revoke
from recommender.accounts.visible import catalogs_of
from recommender.models import Account, ApiToken, Role, TokenScope
from tests.builders import make_account, make_catalog

pytestmark = pytest.mark.django_db


def test_the_key_is_stored_nowhere() -> None:
    token, key = create_token("shop", account=make_account())
    row = ApiToken.objects.values().get()
    assert all(key not in str(value) for value in row.values())
    assert key.startswith(token.prefix)
    assert len(token.prefix) < len(key) / 3


def test_a_key_is_recognised_as_its_token_and_account() -> None:
    token, key = create_token("shop", account=make_account("keeper"))
    found = recognise(key)
    assert found == token
    assert found.created_by.username == "keeper"


@pytest.mark.parametrize("change", ["", "r4_", "é", "\udcff"])
def test_another_key_is_refused(change: str) -> None:
    _, key = create_token("shop", account=make_account())
    with pytest.raises(TokenRefusedError, match="not known"):
        recognise(change + key[1:])


def test_a_token_works_until_the_moment_it_expires() -> None:
    now = timezone.now()
    _, key = create_token("shop", account=make_account(), expires_at=now)
    recognise(key, now=now - timedelta(seconds=1))
    with pytest.raises(TokenRefusedError, match="expired"):
        recognise(key, now=now)


def test_a_revoked_token_keeps_the_moment_it_was_first_revoked() -> None:
    token, key = create_token("shop", account=make_account())
    revoke(token)
    first = ApiToken.objects.get().revoked_at
    revoke(token)
    assert ApiToken.objects.get().revoked_at == first
    with pytest.raises(TokenRefusedError, match="revoked"):
        recognise(key)


def test_use_is_written_at_most_once_a_minute(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    _, key = create_token("shop", account=make_account())
    now = timezone.now()
    recognise(key, now=now)
    with django_assert_num_queries(1):
        recognise(key, now=now + timedelta(seconds=59))
    assert ApiToken.objects.get().last_used_at == now
    recognise(key, now=now + timedelta(seconds=60))
    assert ApiToken.objects.get().last_used_at == now + timedelta(seconds=60)


def test_a_token_is_read_once_a_second_and_revoking_it_is_seen_within_one(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    clock = 1000.0
    monkeypatch.setattr(tokens, "KEPT_FOR", 1.0)
    monkeypatch.setattr(tokens, "time", SimpleNamespace(monotonic=lambda: clock))
    token, key = create_token("tests", account=make_account())
    recognise(key)
    with django_assert_num_queries(0):
        assert recognise(key) == token
    ApiToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())  # as another process does
    assert recognise(key) == token
    clock += 1.0
    with pytest.raises(TokenRefusedError, match="revoked"):
        recognise(key)


def test_a_process_that_revokes_a_token_takes_it_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "KEPT_FOR", 60.0)
    token, key = create_token("tests", account=make_account())
    recognise(key)
    revoke(token)
    with pytest.raises(TokenRefusedError, match="revoked"):
        recognise(key)


def test_a_kept_token_still_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "KEPT_FOR", 60.0)
    ends = timezone.now() + timedelta(seconds=1)
    _, key = create_token("tests", account=make_account(), expires_at=ends)
    recognise(key)
    with pytest.raises(TokenRefusedError, match="expired"):
        recognise(key, now=ends)


def test_the_command_prints_a_working_key_and_nothing_else_on_stdout() -> None:
    make_account("keeper")
    out, err = StringIO(), StringIO()
    call_command("create_token", name="shop", account="keeper", expires_days=7, stdout=out, stderr=err)
    token = recognise(out.getvalue().strip())
    assert token.expires_at is not None
    assert timedelta(days=6) < token.expires_at - timezone.now() <= timedelta(days=7)
    assert out.getvalue().strip() not in err.getvalue()


def test_the_command_answers_in_json_on_request() -> None:
    make_account("keeper")
    out = StringIO()
    call_command("create_token", name="shop", account="keeper", json=True, stdout=out)
    printed = json.loads(out.getvalue())
    assert recognise(printed["key"]).name == "shop"
    assert printed["expires_at"] is None
    assert printed["scopes"] == ["catalogs:read", "recommendations:read", "explanations:read"]


def test_the_command_makes_a_token_for_one_thing_in_one_catalog() -> None:
    change_catalogs(make_account("keeper"), [make_catalog("films")])
    make_catalog("books")
    out = StringIO()
    given = {"name": "shop", "account": "keeper", "scope": ["events:write"], "per_minute": 60}
    call_command("create_token", **given, catalog="films", stdout=out, stderr=StringIO())
    token = recognise(out.getvalue().strip())
    assert (token.scopes, str(token.catalog), token.per_minute) == (["events:write"], "films", 60)
    with pytest.raises(CommandError, match=r"keeper may see no catalog 'books'\. Catalogs: films\."):
        call_command("create_token", **given, catalog="books")


def test_a_token_goes_with_its_catalog_and_opens_no_other_instead() -> None:
    catalog = make_catalog()
    create_token("shop", account=make_account(), catalog=catalog)
    catalog.delete()
    assert not ApiToken.objects.exists()


def test_an_account_whose_only_catalog_is_gone_sees_none() -> None:
    account, catalog = make_account(), make_catalog()
    make_catalog()
    change_catalogs(account, [catalog])
    catalog.delete()
    account.refresh_from_db()
    assert not catalogs_of(account).exists()


def test_the_command_names_the_accounts_when_there_is_no_such_one() -> None:
    make_account("keeper")
    with pytest.raises(CommandError, match=r"no open account 'kepper'\. Accounts: keeper\."):
        call_command("create_token", name="shop", account="kepper")


@pytest.mark.parametrize(
    ("option", "value"),
    [("--expires-days", "0"), ("--expires-days", "x"), ("--name", " "), ("--scope", "all"), ("--per-minute", "-1")],
)
def test_the_command_says_which_option_is_wrong(option: str, value: str) -> None:
    arguments = {"--name": "shop", "--account": "keeper"} | {option: value}
    with pytest.raises(CommandError, match=option):
        call_command("create_token", *[part for pair in arguments.items() for part in pair])


@pytest.mark.parametrize("scope", [scope for scope in TokenScope if scope.value.endswith(":manage")])
@pytest.mark.parametrize("role", [Role.ANNOTATOR, Role.PM])
def test_what_leads_alone_may_do_opens_to_leads_tokens_only(role: Role, scope: TokenScope) -> None:
    make_account("keeper", role=role)
    make_account("lena", role=Role.LEAD)
    told = {"name": "shop", "scope": ["events:write", scope.value]}
    with pytest.raises(CommandError, match=f"^Only tokens of leads may have {scope}, and keeper is no lead.$"):
        call_command("create_token", **told, account="keeper")
    assert not ApiToken.objects.exists()
    call_command("create_token", **told, account="lena", stdout=StringIO(), stderr=StringIO())
    assert set(ApiToken.objects.get().scopes) == {"events:write", scope.value}


def test_no_address_of_leads_answers_another_account() -> None:
    """Also a token that was made before, or whose account became something else behind our back."""
    keeper = make_account("keeper", role=Role.LEAD)
    key = create_token("shop", account=keeper, scopes=list(TokenScope))[1]
    Account.objects.filter(pk=keeper.pk).update(role=Role.PM)
    make_catalog("films")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    paths = yaml.safe_load((Path(__file__).parents[3] / "docs" / "openapi.yaml").read_text())["paths"]
    asked = [
        (method, re.sub(r"{\w+}", "1", path.replace("{catalog}", "films")))
        for path, operations in paths.items()
        for method, operation in operations.items()
        if operation.get("x-scope", "").endswith(":manage")
    ]
    assert len(asked) > 15
    for method, address in asked:
        answer = client.generic(method.upper(), address, "{}", content_type="application/json")
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:r4web:problem:not-allowed"), (method, address)
