"""Signing in by an OpenID provider: a real small one on 127.0.0.1, which signs its tokens."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from django.test import Client
from joserfc.jwk import RSAKey

from r4web import checks
from recommender.accounts import openid, people
from recommender.models import Account, AuditEntry, AuditEvent, OutsideIdentity, Role
from tests import openid_provider
from tests.builders import PASSWORD, make_account
from tests.openid_provider import CLIENT, SECRET, Provider
from tests.recommender.accounts.test_second_factor import anew, code_now, switched_on
from tests.reviews.conftest import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.once]
RITA = {"sub": "248289761001", "email": "Rita@Example.org", "email_verified": True, "roles": ["lead"]}


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    with openid_provider.running() as made:
        settings.OIDC_ISSUER, settings.OIDC_NAME = made.issuer, "the club"
        settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT, SECRET
        made.person = dict(RITA)
        yield made


@pytest.fixture
def rita(db: None) -> Account:
    account = make_account("rita", role=Role.ANNOTATOR)
    people.change_email(account, "rita@example.org")
    return account


def off(browser: Client, *, to: str = "") -> str:
    """To the provider and back, as a browser goes; the address that it is sent back to."""
    there = browser.get("/sign-in/outside/", {"next": to} if to else {})
    assert there.status_code == 302
    answer = requests.get(there["Location"], allow_redirects=False, timeout=5)
    assert answer.status_code == 302
    return answer.headers["Location"].removeprefix("http://testserver")


def signs_in(browser: Client | None = None, *, to: str = "") -> Any:
    browser = browser or Client()
    return browser.get(off(browser, to=to))


def refused(answer: Any) -> str:
    """The words of a refusal."""
    assert answer.status_code == 403
    assert AuditEntry.objects.filter(event=AuditEvent.OUTSIDE_REFUSED).exists()
    assert not AuditEntry.objects.filter(event=AuditEvent.SIGNED_IN).exists()
    return str(answer.content.decode())


def test_without_a_provider_there_is_nothing(rita: Account) -> None:
    assert b"Sign in with" not in Client().get("/sign-in/").content
    assert [Client().get(f"/sign-in/outside/{end}").status_code for end in ("", "back/")] == [404, 404]


def test_the_verified_address_finds_the_account_and_the_role_stays(provider: Provider, rita: Account) -> None:
    browser = Client()
    page = browser.get("/sign-in/", {"next": "/reviews/?state=done"}).content.decode()
    assert "Sign in with the club" in page
    assert 'href="/sign-in/outside/?next=/reviews/%3Fstate%3Ddone"' in page
    answer = signs_in(browser, to="/reviews/?state=done")
    assert (answer.status_code, answer["Location"]) == (302, "/reviews/?state=done")
    assert browser.get("/reviews/").status_code == 200
    rita.refresh_from_db()
    assert (rita.role, Account.objects.count()) == (Role.ANNOTATOR, 1)
    entries = AuditEntry.objects.exclude(event=AuditEvent.EMAIL_CHANGED).order_by("pk")
    assert [(entry.event, entry.name, entry.details) for entry in entries] == [
        ("outside_linked", "rita", "the club"),
        ("signed_in", "rita", "With the club"),
    ]


def test_from_then_on_the_person_counts_and_not_the_address(provider: Provider, rita: Account) -> None:
    assert signs_in().status_code == 302
    provider.person |= {"email": "rita@elsewhere.org", "email_verified": False}
    assert signs_in()["Location"] == "/"
    provider.person = RITA | {"sub": "somebody else with her old address"}
    AuditEntry.objects.all().delete()
    assert "belongs to somebody else at the club" in refused(signs_in())


def test_a_lead_who_gives_the_address_anew_unties_the_account(
    provider: Provider, rita: Account, lena: Account, browser_of: SignIn
) -> None:
    signs_in()
    lead = browser_of(lena)
    assert "E-mail address of rita" in lead.get("/accounts/").content.decode()
    page = lead.post(f"/accounts/{rita.pk}/email/", {"email": "rita@new.org"}, follow=True).content.decode()
    assert "rita has the e-mail address rita@new.org now." in page
    assert not OutsideIdentity.objects.exists()
    AuditEntry.objects.all().delete()
    assert "No account here has the e-mail address Rita@Example.org." in refused(signs_in())
    provider.person["email"] = "rita@new.org"
    AuditEntry.objects.all().delete()
    assert signs_in().status_code == 302


@pytest.mark.parametrize("verified", [False, None, "false", 1])
def test_an_address_that_is_not_verified_finds_nobody(provider: Provider, rita: Account, verified: object) -> None:
    provider.person["email_verified"] = verified
    assert "does not say that you have a verified e-mail address" in refused(signs_in())


def test_nobody_gets_an_account_from_outside(provider: Provider, lena: Account) -> None:
    assert "Ask a lead to give it to yours." in refused(signs_in())
    assert list(Account.objects.all()) == [lena]


def test_an_account_without_an_address_is_nobodys(provider: Provider, lena: Account) -> None:
    provider.person["email"] = ""
    assert "verified e-mail address" in refused(signs_in())


def test_a_closed_account_stays_closed(provider: Provider, rita: Account) -> None:
    people.close(rita)
    assert "This account is closed." in refused(signs_in())


def test_the_address_may_come_from_userinfo_of_the_same_person_only(provider: Provider, rita: Account) -> None:
    provider.only_in_userinfo = ("email", "email_verified")
    provider.userinfo_changes = {"sub": "another"}
    assert "did not work" in refused(signs_in())
    provider.userinfo_changes = {}
    assert signs_in()["Location"] == "/"


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "of another sign-in"},
        {"aud": "another client"},
        {"iss": "http://127.0.0.1:1"},
        {"exp": 1_000_000_000, "iat": 999_999_999},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    provider: Provider, rita: Account, changes: dict[str, Any]
) -> None:
    provider.changes = changes
    assert "Signing in with the club did not work. Begin again." in refused(signs_in())


def test_a_token_signed_with_another_key_is_refused(provider: Provider, rita: Account) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    assert "did not work" in refused(signs_in())


def test_what_comes_back_works_in_its_browser_and_once(provider: Provider, rita: Account) -> None:
    mine = Client()
    back = off(mine)
    assert "did not work" in refused(Client().get(back))
    address = urlsplit(back)
    of_another = {"code": parse_qs(address.query)["code"][0], "state": "another"}
    assert "did not work" in refused(mine.get(f"{address.path}?{urlencode(of_another)}"))
    assert mine.get(back).status_code == 302
    mine.post("/sign-out/")
    AuditEntry.objects.all().delete()
    assert "did not work" in refused(mine.get(back))


def test_who_says_no_at_the_provider_is_told_to_begin_again(provider: Provider, rita: Account) -> None:
    assert "did not work" in refused(Client().get("/sign-in/outside/back/?error=access_denied&state=x"))


def test_a_wrong_secret_lets_nobody_in(provider: Provider, rita: Account, settings: Any) -> None:
    settings.OIDC_CLIENT_SECRET = "not that"
    assert "did not work" in refused(signs_in())


def test_a_provider_that_does_not_answer_is_told_and_costs_nobody_else(
    provider: Provider, rita: Account, settings: Any
) -> None:
    browser = Client()
    back = off(browser)
    provider.is_down = True
    for answer in (Client().get("/sign-in/outside/"), browser.get(back)):
        assert (answer.status_code, b"the club does not answer." in answer.content) == (502, True)
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    assert Client().get("/sign-in/outside/").status_code == 502
    assert Client().post("/sign-in/", {"username": "rita", "password": PASSWORD}).status_code == 302


def test_few_ask_the_provider_at_a_time(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(openid.AT_ONCE):
        openid._line.acquire()
    try:
        answer = Client().get("/sign-in/outside/")
        assert (answer.status_code, provider.asked) == (503, [])
    finally:
        for _ in range(openid.AT_ONCE):
            openid._line.release()
    assert Client().get("/sign-in/outside/").status_code == 302


@pytest.mark.parametrize("to", ["https://elsewhere.org/", "//elsewhere.org/", "javascript:alert(1)", "elsewhere"])
def test_it_leads_to_pages_of_ours_only(provider: Provider, rita: Account, to: str) -> None:
    assert signs_in(to=to)["Location"] == "/"


def test_the_second_factor_is_asked_for_all_the_same(provider: Provider, rita: Account) -> None:
    switched_on(rita)
    anew(rita)
    browser = Client()
    assert signs_in(browser, to="/reviews/")["Location"] == "/sign-in/code/"
    assert browser.get("/reviews/").status_code == 302
    assert browser.post("/sign-in/code/", {"code": code_now(rita)})["Location"] == "/reviews/"
    assert AuditEntry.objects.get(event=AuditEvent.SIGNED_IN).details == "With the club"


def test_two_accounts_never_have_one_address(lena: Account, rita: Account, settings: Any, browser_of: SignIn) -> None:
    settings.OIDC_ISSUER, settings.OIDC_NAME = "https://club.example.org", "the club"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT, SECRET
    lead = browser_of(lena)
    page = lead.post(f"/accounts/{lena.pk}/email/", {"email": "RITA@example.org"}, follow=True).content.decode()
    assert "rita has that e-mail address." in page
    asked = {"name": "nora", "role": "pm", "email": "rita@example.org"}
    assert (lead.post("/accounts/", asked).status_code, Account.objects.count()) == (422, 2)
    assert lead.post("/accounts/", asked | {"email": "nora@example.org"}).status_code == 200
    assert Account.objects.get(username="nora").email == "nora@example.org"
    lead.post(f"/accounts/{rita.pk}/email/", {"email": "no address"})
    rita.refresh_from_db()
    assert rita.email == "rita@example.org"
    assert AuditEntry.objects.filter(event=AuditEvent.EMAIL_CHANGED, about="rita").count() == 1


def test_settings_that_belong_together_are_given_together(settings: Any) -> None:
    settings.OIDC_ISSUER, settings.OIDC_NAME = "https://club.example.org", "the club"
    (problem,) = checks.openid(None)
    assert "R4_OIDC_CLIENT_ID, R4_OIDC_CLIENT_SECRET not given" in problem.msg
    assert Client().get("/sign-in/outside/").status_code == 404


@pytest.mark.parametrize(
    ("issuer", "problems"),
    [
        ("https://club.example.org/realm", 0),
        ("http://127.0.0.1:9000", 0),
        ("http://club.example.org", 1),
        ("https://me:word@club.example.org", 1),
        ("club.example.org", 1),
    ],
)
def test_the_issuer_is_asked_over_https(settings: Any, issuer: str, problems: int) -> None:
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = issuer, CLIENT, SECRET
    assert len(checks.openid(None)) == problems
