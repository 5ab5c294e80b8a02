"""Leads make and revoke tokens; a key is shown once."""

import re
from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from recommender.accounts.people import change_catalogs
from recommender.accounts.tokens import TokenRefusedError, create_token, recognise
from recommender.models import Account, ApiToken, Role
from tests.builders import make_account, make_catalog

SignIn = Callable[[Account], Client]
PAGE = "/tokens/"
FORM = {"name": "shop front", "days": "30", "scopes": ["recommendations:read"]}


@pytest.fixture
def lead(lena: Account, browser_of: SignIn) -> Client:
    return browser_of(lena)


def key_on(text: str) -> str | None:
    found = re.search(r'<pre id="new-key"[^>]*>(r4_[\w-]+)</pre>', text)
    return found.group(1) if found else None


def test_only_leads_manage_tokens(rita: Account, pam: Account, browser_of: SignIn) -> None:
    for account in (rita, pam):
        assert browser_of(account).get(PAGE).status_code == 403
        assert browser_of(account).post(PAGE, FORM).status_code == 403
    assert not ApiToken.objects.exists()


def test_a_new_key_is_shown_once_and_works(lead: Client, lena: Account) -> None:
    made = lead.post(PAGE, FORM)
    key = key_on(made.content.decode())
    assert key is not None
    assert recognise(key).created_by == lena
    assert "no-store" in made["Cache-Control"]
    later = lead.get(PAGE).content.decode()
    assert "shop front" in later
    assert key not in later
    assert all(key not in str(session.get_decoded()) for session in Session.objects.all())


def test_never_means_never(lead: Client) -> None:
    lead.post(PAGE, FORM | {"days": "0"})
    assert ApiToken.objects.get().expires_at is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 81},
        {"days": "7"},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"catalog": "nowhere"},
        {"per_minute": "0"},
    ],
)
def test_a_form_that_cannot_be_makes_nothing_and_says_why(lead: Client, wrong: dict[str, str]) -> None:
    answer = lead.post(PAGE, FORM | wrong)
    assert answer.status_code == 422
    assert 'class="error"' in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_a_token_is_what_was_chosen(lead: Client) -> None:
    make_catalog("films")
    page = lead.post(PAGE, FORM | {"catalog": "films", "per_minute": "90"}).content.decode()
    token = ApiToken.objects.get()
    assert (token.scopes, str(token.catalog), token.per_minute) == (["recommendations:read"], "films", 90)
    assert "at most 90 requests a minute" in page


def test_one_request_a_minute_is_said_in_the_singular(lead: Client) -> None:
    make_catalog("films")
    assert "at most 1 request a minute" in lead.post(PAGE, FORM | {"per_minute": "1"}).content.decode()


def test_a_lead_of_one_catalog_makes_sees_and_revokes_no_tokens_of_others(
    lead: Client, lena: Account, browser_of: SignIn
) -> None:
    films, books = make_catalog("films"), make_catalog("books")
    nora = make_account("nora", role=Role.LEAD)
    change_catalogs(nora, [books])
    browser = browser_of(nora)
    for name, catalog in (("of all", None), ("of films", films), ("of books", books)):
        create_token(name, account=lena, catalog=catalog)
    assert browser.post(PAGE, FORM | {"catalog": "films"}).status_code == 422
    page = browser.post(PAGE, FORM | {"name": "hers"}).content.decode()
    assert ["hers" in page, "of books" in page, "of films" in page, "of all" in page] == [True, True, False, False]
    assert "of films" in lead.get(PAGE).content.decode()


def test_a_revoked_token_opens_nothing_and_the_page_says_so(lead: Client, lena: Account) -> None:
    token, key = create_token("shop", account=lena)
    answer = lead.post(f"/tokens/{token.pk}/revoke/", follow=True)
    assert "is revoked" in answer.content.decode()
    assert "Revoked" in answer.content.decode()
    with pytest.raises(TokenRefusedError):
        recognise(key)


def test_revoking_needs_a_post_and_a_token_that_exists(lead: Client, lena: Account) -> None:
    token, key = create_token("shop", account=lena)
    assert lead.get(f"/tokens/{token.pk}/revoke/").status_code == 405
    assert lead.post("/tokens/999999/revoke/").status_code == 404
    assert recognise(key) == token
