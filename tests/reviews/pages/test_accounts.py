"""Accounts without the sample ones: by command and by page, for leads only."""

import io
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from recommender.accounts.tokens import TokenRefusedError, create_token, recognise
from recommender.accounts.visible import catalogs_of
from recommender.models import Account, Role
from tests.builders import make_account, make_catalog
from tests.reviews.conftest import SignIn

pytestmark = pytest.mark.django_db


def test_the_command_makes_somebody_who_can_sign_in() -> None:
    said = io.StringIO()
    call_command("create_account", "nora", "--role", "annotator", stdout=said)
    (password,) = re.findall(r"Password: (\S+)", said.getvalue())
    assert Client().login(username="nora", password=password)
    assert Account.objects.get(username="nora").role == Role.ANNOTATOR


def test_the_command_reads_a_password_and_changes_a_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    call_command("create_account", "nora", "--role", "pm", "--password-stdin", stdout=io.StringIO())
    assert Client().login(username="nora", password="correct horse battery")
    call_command("create_account", "nora", "--role", "lead", "--change", stdout=io.StringIO())
    assert Account.objects.get(username="nora").role == Role.LEAD


@pytest.mark.parametrize(
    ("arguments", "typed", "words"),
    [
        (["lena", "--role", "pm"], "", "already. Add --change"),
        (["LENA", "--role", "pm"], "", "already"),
        (["no one!", "--role", "pm"], "", "letters, digits"),
        (["nora", "--role", "pm", "--change"], "", "There is no account nora"),
        (["nora", "--role", "pm", "--password-stdin"], "short\n", "too short"),
        (["nora", "--role", "pm", "--password-stdin"], "", "holds no password"),
        (["lena", "--role", "pm", "--change"], "", "the only lead"),
        (["nora", "--role", "king"], "", "invalid choice"),
    ],
)
def test_a_mistake_is_said(lena: Account, arguments: list[str], typed: str, words: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    with pytest.raises(CommandError, match=words):
        call_command("create_account", *arguments, stdout=io.StringIO())


def test_a_superuser_is_a_lead() -> None:
    assert Account.objects.create_superuser("root", password="correct horse battery").role == Role.LEAD


def test_a_lead_adds_somebody_whose_password_is_shown_once(lena: Account, browser_of: SignIn) -> None:
    browser = browser_of(lena)
    page = browser.post(reverse("reviews:accounts"), {"name": "nora", "role": "annotator"}).content.decode()
    (password,) = re.findall(r'<pre id="new-password"[^>]*>(\S+)</pre>', page)
    assert Client().login(username="nora", password=password)
    assert password not in browser.get(reverse("reviews:accounts")).content.decode()
    again = browser.post(reverse("reviews:accounts"), {"name": "Nora", "role": "annotator"})
    assert (again.status_code, "already" in again.content.decode()) == (422, True)


def test_a_closed_account_is_out_at_once_and_can_come_back(lena: Account, browser_of: SignIn) -> None:
    nora = make_account("nora", role=Role.LEAD)
    inside = browser_of(nora)
    _, key = create_token("shop", account=nora)
    lead = browser_of(lena)
    lead.post(reverse("reviews:close_account", args=[nora.pk]))
    assert inside.get(reverse("reviews:queue")).status_code == 302
    with pytest.raises(TokenRefusedError):
        recognise(key)
    lead.post(reverse("reviews:reopen_account", args=[nora.pk]))
    nora.refresh_from_db()
    assert nora.is_active
    with pytest.raises(TokenRefusedError):
        recognise(key)


def test_a_token_ends_with_its_accounts_role(lena: Account, browser_of: SignIn) -> None:
    nora = make_account("nora", role=Role.LEAD)
    _, key = create_token("shop", account=nora)
    recognise(key)
    browser_of(lena).post(reverse("reviews:change_role", args=[nora.pk]), {"role": "annotator"})
    with pytest.raises(TokenRefusedError):
        recognise(key)


def test_a_new_password_ends_the_sessions_of_the_old_one(lena: Account, browser_of: SignIn) -> None:
    nora = make_account("nora", role=Role.ANNOTATOR)
    inside = browser_of(nora)
    page = browser_of(lena).post(reverse("reviews:reset_password", args=[nora.pk])).content.decode()
    assert 'id="new-password"' in page
    assert inside.get(reverse("reviews:queue")).status_code == 302


@pytest.mark.parametrize("name", ["close_account", "change_role"])
def test_there_is_always_a_lead(name: str, lena: Account, browser_of: SignIn) -> None:
    page = browser_of(lena).post(reverse(f"reviews:{name}", args=[lena.pk]), {"role": "pm"}, follow=True)
    assert "the only lead" in page.content.decode()
    lena.refresh_from_db()
    assert (lena.role, lena.is_active) == (Role.LEAD, True)


@pytest.mark.parametrize("who", ["rita", "pam"])
def test_only_leads_manage_accounts(who: str, request: pytest.FixtureRequest, browser_of: SignIn) -> None:
    account = request.getfixturevalue(who)
    browser = browser_of(account)
    assert browser.get(reverse("reviews:accounts")).status_code == 403
    for name in ("change_role", "reset_password", "close_account", "reopen_account"):
        assert browser.post(reverse(f"reviews:{name}", args=[account.pk]), {"role": "lead"}).status_code == 403
    assert "Accounts" not in browser.get(reverse("home")).content.decode()


def test_everybody_changes_their_own_password(rita: Account, browser_of: SignIn) -> None:
    rita.set_password("an old password")
    rita.save()
    browser = browser_of(rita)
    form = {
        "old_password": "an old password",
        "new_password1": "brand-new-words-9",
        "new_password2": "brand-new-words-9",
    }
    wrong = browser.post(reverse("password_change"), form | {"old_password": "no"})
    assert b'class="error"' in wrong.content
    assert browser.post(reverse("password_change"), form).status_code == 302
    assert browser.get(reverse("reviews:queue")).status_code == 200  # still signed in here
    assert Client().login(username=rita.username, password="brand-new-words-9")


@pytest.mark.parametrize("back", ["abc", "//example.org/", "javascript:alert(1)", "", "\x00"])
def test_a_theme_goes_back_to_pages_of_ours_only(back: str, client: Client) -> None:
    answer = client.post(reverse("theme"), {"theme": "dark", "next": back})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_an_account_is_limited_to_catalogs_by_the_command(lena: Account) -> None:
    for name in ("films", "books"):
        make_catalog(name)

    def seen(*arguments: str) -> list[str]:
        call_command("create_account", "nora", "--role", "pm", *arguments, stdout=io.StringIO())
        return [str(catalog) for catalog in catalogs_of(Account.objects.get(username="nora"))]

    assert seen("--catalog", "books") == ["books"]
    assert seen("--change") == ["books"]
    assert seen("--change", "--catalog", "films", "--catalog", "books") == ["books", "films"]
    assert seen("--change", "--all-catalogs") == ["books", "films"]
    with pytest.raises(CommandError, match=r"no catalog 'music'\. Catalogs: books, films\."):
        seen("--change", "--catalog", "music")


def test_an_account_is_limited_to_catalogs_by_the_page(lena: Account, browser_of: SignIn) -> None:
    for name in ("films", "books"):
        make_catalog(name)
    browser, address = browser_of(lena), reverse("reviews:accounts")
    browser.post(address, {"name": "nora", "role": "pm", "catalogs": ["books"]})
    nora = Account.objects.get(username="nora")
    page_of_nora = browser_of(nora).get(reverse("home")).content.decode()
    assert ("books" in page_of_nora, "films" in page_of_nora) == (True, False)
    page = browser.post(reverse("reviews:change_catalogs", args=[nora.pk]), {}, follow=True).content.decode()
    assert "nora sees all catalogs now." in page
    page = browser.post(reverse("reviews:change_catalogs", args=[lena.pk]), {"catalogs": "films"}, follow=True)
    assert "the only lead of all catalogs" in page.content.decode()
