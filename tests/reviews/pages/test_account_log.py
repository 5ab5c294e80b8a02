"""The audit log: who did what, about what, from where; for leads only, a page at a time, cleared when over."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.accounts import audit
from recommender.accounts.tokens import create_token
from recommender.models import Account, AuditEntry, AuditEvent, Role, VersionState
from recommender.promotion import activation
from reviews.pages.accounts.queries import KINDS
from tests.architecture.words import expert_words
from tests.builders import PASSWORD, make_account, make_catalog
from tests.recommender.promotion.versions import examined, make_version
from tests.reviews.conftest import SignIn
from worker import tasks

pytestmark = pytest.mark.django_db
LOG = "/accounts/log/"


def told() -> list[tuple[str, str, str, str, str | None]]:
    """Oldest first."""
    rows = AuditEntry.objects.order_by("pk")
    return list(rows.values_list("event", "name", "about", "details", "address"))


def test_the_door(rita: Account) -> None:
    browser = Client(REMOTE_ADDR="192.0.2.1")
    for name, password in (("rita", "wrong"), ("my secret words", "wrong"), ("rita", PASSWORD)):
        browser.post(reverse("login"), {"username": name, "password": password})
    new = {"old_password": PASSWORD, "new_password1": "brand-new-words-9", "new_password2": "brand-new-words-9"}
    browser.post(reverse("password_change"), new)
    browser.post(reverse("logout"))
    assert told() == [
        ("refused", "rita", "", "", "192.0.2.1"),
        ("refused", "", "", "", "192.0.2.1"),  # somebody typed a password there
        ("signed_in", "rita", "", "", "192.0.2.1"),
        ("password_changed", "rita", "", "", "192.0.2.1"),
        ("signed_out", "rita", "", "", "192.0.2.1"),
    ]


def test_a_pause_is_told_once(rita: Account) -> None:
    for _ in range(9):
        Client().post(reverse("login"), {"username": "rita", "password": "wrong"})
    assert [row[0] for row in told()] == ["refused"] * 5 + ["paused"]


def test_accounts_and_tokens(lena: Account, browser_of: SignIn) -> None:
    browser = browser_of(lena)
    browser.post("/accounts/", {"name": "nora", "role": "lead"})
    nora = Account.objects.get(username="nora")
    token, _ = create_token("shop", account=nora)
    for address, form in (("role", {"role": "pm"}), ("catalogs", {}), ("password", {}), ("close", {}), ("reopen", {})):
        browser.post(f"/accounts/{nora.pk}/{address}/", form)
    browser.post(f"/accounts/{nora.pk}/role/", {"role": "pm"})  # it is that already
    browser.post("/tokens/", {"name": "till", "days": "30", "scopes": ["recommendations:read"]})
    till = lena.api_tokens.get()
    browser.post(f"/tokens/{till.pk}/revoke/")
    browser.post(f"/tokens/{till.pk}/revoke/")
    here = "127.0.0.1"
    assert told() == [
        ("account_made", "lena", "nora", "Lead", here),
        ("token_made", "", str(token), "For nora", None),
        ("role_changed", "lena", "nora", "Lead → PM", here),
        ("token_revoked", "lena", str(token), "", here),
        ("catalogs_changed", "lena", "nora", "All catalogs", here),
        ("password_reset", "lena", "nora", "", here),
        ("account_closed", "lena", "nora", "", here),
        ("account_reopened", "lena", "nora", "", here),
        ("token_made", "lena", str(till), "For lena", here),
        ("token_revoked", "lena", str(till), "", here),
    ]


def test_commands_are_told_without_a_name(browser_of: SignIn) -> None:
    call_command("create_account", "nora", "--role", "lead", stdout=io.StringIO())
    Account.objects.create_superuser("root", password=PASSWORD)
    assert told() == [
        ("account_made", "", "nora", "Lead", None),
        ("account_made", "", "root", "Administrator", None),
    ]
    page = browser_of(Account.objects.get(username="nora")).get(LOG).content.decode()
    assert "a command, a job or by itself" in page


def test_models(lena: Account, browser_of: SignIn, settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    catalog = make_catalog("films")
    first, second = make_version(catalog, state=VersionState.ACTIVE), make_version(catalog)
    examined(second, against=first)
    browser = browser_of(lena)
    browser.post(f"/backbones/{second.pk}/roll-out/", {"mode": "shadow", "percent": "10"})
    browser.post(f"/backbones/{second.pk}/roll-out/stop/")
    activation.activate(second, by=lena)
    browser.post("/backbones/films/roll-back/", {"seen": str(second.number), "reason": "Odd lists."})
    assert [row[:4] for row in told()] == [
        ("rollout_started", "lena", str(second), "shadow, 10.0%"),
        ("rollout_ended", "lena", str(second), "Stopped by a lead."),
        ("activated", "lena", str(second), f"In place of {first}."),
        ("rolled_back", "lena", str(first), f"In place of {second}. Odd lists."),
    ]


def test_the_page_has_filters_and_goes_back_in_time_at_one_cost(
    lena: Account, browser_of: SignIn, django_assert_num_queries: Any
) -> None:
    for number in range(60):
        audit.record(AuditEvent.SIGNED_IN if number % 2 else AuditEvent.TOKEN_MADE, by=lena, details=f"no. {number:02}")
    audit.record(AuditEvent.REFUSED, name="rita")
    browser = browser_of(lena)
    with django_assert_num_queries(3):  # the session, the account, the entries
        newest = browser.get(LOG).content.decode()
    assert ("no. 11" in newest, "no. 10" in newest) == (True, False)
    (older,) = [part.split('"')[0] for part in newest.split('rel="next" href="')[1:]]
    with django_assert_num_queries(3):
        oldest = browser.get(LOG + older).content.decode()
    assert ("no. 11" in oldest, "no. 10" in oldest, "no. 00" in oldest, "Older" in oldest) == (False, True, True, False)
    assert "no. 01" not in browser.get(LOG, {"kind": "tokens"}).content.decode()
    assert "no. " not in browser.get(LOG, {"who": "rita"}).content.decode()
    audit.record(AuditEvent.ERASED, by=lena, about="erasure 7")
    assert "erasure 7" in browser.get(LOG, {"kind": "erasures"}).content.decode()
    audit.record(AuditEvent.ROLE_CHANGED, by=lena, about="rita")
    assert "Role changed" in browser.get(LOG, {"who": "rita"}).content.decode()
    with django_assert_num_queries(4):
        assert "no. 59" in browser.get(LOG, {"who": "lena"}).content.decode()
    assert "Wrong name or password" in browser.get(LOG, {"kind": "wrong"}).content.decode()
    assert "Nothing like that" in browser.get(LOG, {"who": "nobody"}).content.decode()
    for odd in ({"before": "x"}, {"before": "9" * 40}, {"kind": "x"}, {"who": "\0"}):
        assert browser.get(LOG, odd).status_code == 200


def test_the_page_speaks_plainly_and_to_leads_only(
    lena: Account, rita: Account, pam: Account, browser_of: SignIn
) -> None:
    empty = browser_of(lena).get(LOG).content.decode()
    assert "From now on this page says who signs in" in empty
    for event in AuditEvent:
        audit.record(event, by=rita, about="something")
    page = browser_of(lena).get(LOG).content.decode()
    assert expert_words(page) == []
    assert LOG in browser_of(lena).get("/accounts/").content.decode()
    assert [browser_of(one).get(LOG).status_code for one in (rita, pam)] == [403, 403]
    assert Client().get(LOG).status_code == 302


def test_what_is_over_is_cleared(lena: Account, settings: Any) -> None:
    settings.AUDIT_SIGN_IN_DAYS, settings.AUDIT_DAYS = 90, 400
    for days in (1, 100, 500):
        for event in (AuditEvent.SIGNED_IN, AuditEvent.ROLE_CHANGED):
            audit.record(event, by=lena, details=f"{days}")
            AuditEntry.objects.filter(details=f"{days}").update(at=timezone.now() - timedelta(days=days))
    for number, days in enumerate((-1, 1)):
        Session.objects.create(session_key=f"s{number}", expire_date=timezone.now() + timedelta(days=days))
    tasks.clear_accounts()
    assert [(row[0], row[3]) for row in told()] == [("signed_in", "1"), ("role_changed", "1"), ("role_changed", "100")]
    assert [one.session_key for one in Session.objects.all()] == ["s1"]
    settings.AUDIT_SIGN_IN_DAYS = settings.AUDIT_DAYS = 0
    AuditEntry.objects.update(at=timezone.now() - timedelta(days=5000))
    assert audit.clear() == 0


def test_an_entry_outlives_its_account(lena: Account) -> None:
    nora = make_account("nora", role=Role.PM)
    audit.record(AuditEvent.SIGNED_IN, by=nora)
    nora.delete()
    entry = AuditEntry.objects.get()
    assert (entry.account, entry.name) == (None, "nora")


def test_every_event_can_be_looked_for_by_its_kind() -> None:
    assert {event for kind in KINDS.values() for event in kind.events} == set(AuditEvent)
