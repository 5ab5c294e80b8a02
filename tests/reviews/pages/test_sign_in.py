"""Wrong passwords cost time, told in words; an idle session ends; nobody else is kept out."""

import fcntl
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.accounts import hashing, people, sessions, throttle
from recommender.models import Account, AuditEntry, AuditEvent
from tests.builders import PASSWORD, make_account
from tests.reviews.conftest import SignIn
from tests.reviews.forms import HTMX

pytestmark = pytest.mark.django_db
HOME = "192.0.2.1"


def sign_in(name: str, password: str = "wrong", *, address: str = HOME) -> Any:
    return Client(REMOTE_ADDR=address).post(reverse("login"), {"username": name, "password": password})


def later(seconds: int) -> None:
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(seconds=seconds))


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that is hashed."""
    found: list[str] = []
    encode = MD5PasswordHasher.encode

    def noted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        found.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", noted)
    return found


@pytest.mark.parametrize("name", ["rita", "no-account"])
def test_after_five_wrong_passwords_one_waits_and_no_password_is_hashed(
    name: str, rita: Account, hashed: list[str]
) -> None:
    answers = [sign_in(name) for _ in range(5)]
    assert [one.status_code for one in answers] == [200, 200, 200, 200, 429]
    assert b"That was not right, and too often. Wait 5 minutes before you try again." in answers[-1].content
    hashed.clear()
    refused = sign_in(name, PASSWORD)
    assert (refused.status_code, hashed) == (429, [])
    assert 290 <= int(refused["Retry-After"]) <= 300
    assert b"Too many wrong passwords. Wait 5 minutes before you try again." in refused.content
    assert f'value="{name}"'.encode() in refused.content


def test_a_refusal_asks_the_database_once_and_writes_nothing(rita: Account, django_assert_num_queries: Any) -> None:
    for _ in range(5):
        sign_in("rita")
    written = AuditEntry.objects.count()
    with django_assert_num_queries(1):
        sign_in("rita")
    assert AuditEntry.objects.count() == written


def test_the_wait_ends_and_wrong_passwords_while_waiting_do_not_lengthen_it(rita: Account) -> None:
    for _ in range(5):
        sign_in("rita")
    later(250)
    assert int(sign_in("rita")["Retry-After"]) <= 50
    later(51)
    assert sign_in("rita", PASSWORD).status_code == 302


def test_the_right_password_forgives_the_wrong_ones(rita: Account) -> None:
    for _ in range(3):
        assert [sign_in("rita").status_code for _ in range(4)] == [200] * 4
        assert sign_in("rita", PASSWORD).status_code == 302


@pytest.fixture
def one_try(settings: Any) -> None:
    """Four for an address, ten for an account."""
    settings.SIGN_IN_TRIES = 1


def test_an_address_has_a_limit_for_all_accounts_together(rita: Account, one_try: None) -> None:
    for number in range(4):
        sign_in(f"somebody{number}")
    assert sign_in("rita", PASSWORD).status_code == 429
    assert sign_in("rita", PASSWORD, address="198.51.100.7").status_code == 302


def test_ones_own_account_does_not_clear_the_address(rita: Account, omar: Account, one_try: None) -> None:
    for number in range(3):
        sign_in(f"somebody{number}")
    assert sign_in("rita", PASSWORD).status_code == 302
    sign_in("another")
    assert sign_in("omar", PASSWORD).status_code == 429


def test_an_account_has_a_limit_for_all_addresses_but_its_own_ones(rita: Account, one_try: None) -> None:
    sign_in("rita", PASSWORD)
    for number in range(10):
        sign_in("rita", address=f"198.51.100.{number}")
    assert sign_in("rita", PASSWORD, address="203.0.113.9").status_code == 429
    assert sign_in("rita", PASSWORD).status_code == 302  # nobody is kept out by strangers


def test_the_passwords_of_those_who_waited_in_line_are_counted(rita: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight at once are guesses one after the other: one that was let through before the fifth is refused after it."""
    for _ in range(5):
        sign_in("rita")
    ask, asked = throttle.seconds_to_wait, []

    def before_the_fifth(request: Any, name: str) -> int:
        asked.append(name)
        return 0 if len(asked) == 1 else ask(request, name)

    monkeypatch.setattr(throttle, "seconds_to_wait", before_the_fifth)
    entries = AuditEntry.objects.count()
    assert sign_in("rita", PASSWORD).status_code == 429
    assert AuditEntry.objects.count() == entries


def test_who_finds_no_place_is_told_so_on_every_page(
    lena: Account, browser_of: SignIn, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VAR_DIR, settings.PASSWORD_HASHERS = tmp_path, ["recommender.accounts.hashing.BoundedHasher"]
    monkeypatch.setattr(hashing, "PATIENCE", 0.0)
    Account.objects.update(password=hashing.PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000))
    lena.refresh_from_db()
    browser = browser_of(lena)
    (tmp_path / "run").mkdir()
    with (tmp_path / "run" / "password-hash-0.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        new = {"old_password": PASSWORD, "new_password1": "brand-new-words-9", "new_password2": "brand-new-words-9"}
        changed = browser.post(reverse("password_change"), new)
        answers = [
            sign_in("lena", PASSWORD),
            changed,
            browser.post(reverse("reviews:accounts"), {"name": "nora", "role": "pm"}),
            browser.post(reverse("reviews:reset_password", args=[lena.pk]), follow=True),
        ]
    assert [one.status_code for one in answers] == [503, 503, 422, 200]
    assert all("Many passwords are being checked" in one.content.decode() for one in answers)
    assert (answers[0]["Retry-After"], changed["Retry-After"]) == ("5", "5")
    assert b'value="nora"' in answers[2].content
    assert sign_in("lena", PASSWORD).status_code == 302


def test_wrong_old_passwords_count_too(rita: Account, browser_of: SignIn) -> None:
    browser = browser_of(rita)
    form = {"old_password": "no", "new_password1": "brand-new-words-9", "new_password2": "brand-new-words-9"}
    answers = [browser.post(reverse("password_change"), form) for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 4 + [429] * 2
    assert b"Wait 5 minutes before you try again." in answers[-1].content
    assert browser.post(reverse("password_change"), form | {"old_password": PASSWORD}).status_code == 429


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (59, "59 seconds"), (61, "2 minutes"), (3600, "1 hour"), (28800, "8 hours")],
)
def test_waits_are_told_in_words(seconds: int, words: str) -> None:
    assert throttle.in_words(seconds) == words


def idle(browser: Client, seconds: int) -> None:
    session = browser.session
    session[sessions.SEEN_AT] = int(time.time()) - seconds
    session.save()


def test_an_idle_session_ends_and_one_comes_back_to_the_page(rita: Account) -> None:
    browser = Client()
    browser.post(reverse("login"), {"username": "rita", "password": PASSWORD})
    assert browser.get("/reviews/").status_code == 200
    idle(browser, 8 * 3600 + 5)
    answer = browser.get("/reviews/?state=done")
    assert answer["Location"] == "/sign-in/?next=/reviews/%3Fstate%3Ddone&ended=idle"
    page = browser.get(answer["Location"]).content.decode()
    assert "You were signed out because nothing happened for 8 hours." in page
    back = browser.post(reverse("login"), {"username": "rita", "password": PASSWORD, "next": "/reviews/?state=done"})
    assert back["Location"] == "/reviews/?state=done"
    assert AuditEntry.objects.filter(event=AuditEvent.RAN_OUT, account=rita).count() == 1


def test_a_form_sent_too_late_leads_back_to_its_page(rita: Account, browser_of: SignIn) -> None:
    browser = browser_of(rita)
    for referer, page in (
        ("http://testserver/reviews/7/?diff=plain", "/reviews/7/%3Fdiff%3Dplain"),
        ("http://x/", "/"),
    ):
        idle(browser, 9 * 3600)
        answer = browser.post("/reviews/start/", headers={"Referer": referer})
        assert answer["Location"] == f"/sign-in/?next={page}&ended=idle"
        browser.force_login(rita)
    idle(browser, 9 * 3600)
    answer = browser.post("/reviews/start/", headers=HTMX | {"HX-Current-URL": "http://testserver/reviews/"})
    assert (answer.status_code, answer["HX-Redirect"]) == (401, "/sign-in/?next=%2Freviews%2F&ended=idle")


def test_what_a_person_does_renews_a_session_and_what_a_page_asks_by_itself_does_not(
    rita: Account, browser_of: SignIn
) -> None:
    browser = browser_of(rita)
    idle(browser, 7 * 3600)
    browser.get("/rounds/", headers=HTMX)
    assert time.time() - browser.session[sessions.SEEN_AT] > 3600
    browser.get("/rounds/")
    assert time.time() - browser.session[sessions.SEEN_AT] < 60


def test_a_session_of_an_earlier_release_goes_on(rita: Account, browser_of: SignIn) -> None:
    browser = browser_of(rita)
    Account.objects.update(last_login=timezone.now() - timedelta(days=2))
    assert browser.get("/reviews/").status_code == 200
    assert time.time() - browser.session[sessions.SEEN_AT] < 60


def test_a_lead_s_new_password_lets_somebody_in_at_once(rita: Account) -> None:
    for _ in range(5):
        sign_in("rita")
    assert sign_in("rita", people.reset_password(rita)).status_code == 302


def test_without_a_limit_sessions_go_on(rita: Account, browser_of: SignIn, settings: Any) -> None:
    settings.SESSION_IDLE = 0
    browser = browser_of(rita)
    idle(browser, 9 * 3600)
    assert browser.get("/reviews/").status_code == 200


def test_a_closed_account_is_told_no_more_than_a_wrong_password(rita: Account) -> None:
    make_account("omar")
    Account.objects.filter(username="omar").update(is_active=False)
    assert b"Please enter a correct username and password" in sign_in("omar", PASSWORD).content
