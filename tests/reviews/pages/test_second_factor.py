"""The second factor on the pages: asked after the password, throttled, told in the log, required of leads, reset."""

import io
import logging
import time
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from recommender.accounts import one_time, people, second_factor
from recommender.models import Account, AuditEntry, AuditEvent, RecoveryCode, SecondFactor
from reviews.pages.home import entering
from reviews.pages.home.second_factor import OFFERED
from tests.builders import PASSWORD, make_account
from tests.recommender.accounts.test_second_factor import anew, code_now, switched_on, wrong_code
from tests.reviews.addresses import PAGES
from tests.reviews.conftest import SignIn
from tests.reviews.forms import HTMX
from tests.reviews.test_every_address import ADDRESSES

pytestmark = pytest.mark.django_db
CODE, PAGE, LOGIN = "/sign-in/code/", "/second-factor/", "/sign-in/"


def with_password(name: str = "rita", *, to: str = "", address: str = "192.0.2.1") -> Client:
    """A browser in which the password was typed."""
    browser = Client(REMOTE_ADDR=address)
    answer = browser.post(LOGIN, {"username": name, "password": PASSWORD, "next": to})
    assert answer.status_code == 302
    return browser


def is_in(browser: Client) -> bool:
    return browser.get("/").status_code == 200


def told(*events: AuditEvent) -> list[tuple[str, str, str]]:
    return list(AuditEntry.objects.filter(event__in=events).order_by("pk").values_list("name", "about", "details"))


def test_the_password_alone_lets_nobody_in_and_the_code_leads_on(rita: Account) -> None:
    switched_on(rita)
    anew(rita)
    browser = with_password(to="/reviews/?state=done")
    assert not is_in(browser)
    assert browser.get(LOGIN).status_code == 200
    assert b"Second step" in browser.get(CODE).content
    wrong = browser.post(CODE, {"code": wrong_code(rita)})
    assert (wrong.status_code, b"not the code that the app shows" in wrong.content) == (200, True)
    assert not is_in(browser)
    before = browser.session.session_key
    right = browser.post(CODE, {"code": code_now(rita)})
    assert (right.status_code, right["Location"]) == (302, "/reviews/?state=done")
    assert is_in(browser)
    assert browser.session.session_key != before
    assert entering.WAITS not in browser.session
    assert told(AuditEvent.WRONG_CODE, AuditEvent.SIGNED_IN) == [("rita", "rita", ""), ("rita", "", "")]


def test_without_one_signing_in_is_as_before(rita: Account) -> None:
    assert is_in(with_password())


def test_a_recovery_code_signs_in_once_and_the_log_says_so(rita: Account) -> None:
    code = switched_on(rita)[3]
    for works in (True, False):
        browser = with_password()
        browser.post(CODE, {"code": code})
        assert is_in(browser) == works
    assert told(AuditEvent.RECOVERY_CODE) == [("rita", "rita", "9 left")]


@pytest.mark.parametrize("change", ["time", "password", "closed", "nothing typed"])
def test_the_first_step_counts_for_a_while_and_for_that_account_as_it_was(rita: Account, change: str) -> None:
    switched_on(rita)
    anew(rita)
    browser = with_password()
    if change == "time":
        session = browser.session
        session[entering.WAITS] |= {"began_at": int(time.time()) - entering.LASTS - 1}
        session.save()
    elif change == "password":
        people.reset_password(rita)
    elif change == "closed":
        people.close(rita)
    else:
        browser = Client()
    answer = browser.post(CODE, {"code": code_now(rita)})
    assert (answer.status_code, answer["Location"]) == (302, LOGIN)
    assert not is_in(browser)


def test_wrong_codes_cost_what_wrong_passwords_cost_and_a_right_password_forgives_none(rita: Account) -> None:
    """Five from one address; then neither step is looked at there."""
    codes = switched_on(rita)
    answers = []
    for _ in range(5):
        browser = with_password()
        answers.append(browser.post(CODE, {"code": wrong_code(rita)}))
    assert [one.status_code for one in answers] == [200] * 4 + [429]
    assert answers[-1]["Retry-After"] == "300"
    assert b"Wait 5 minutes before you try again." in answers[-1].content
    refused = browser.post(CODE, {"code": codes[0]})
    assert refused.status_code == 429
    again = Client(REMOTE_ADDR="192.0.2.1").post(LOGIN, {"username": "rita", "password": PASSWORD})
    assert again.status_code == 429
    assert told(AuditEvent.PAUSED) == [("rita", "", "For 5 minutes")]


def test_from_elsewhere_codes_of_the_app_wait_too_and_a_recovery_code_does_not(rita: Account) -> None:
    codes = switched_on(rita)
    for number in range(5):
        with_password(address=f"198.51.100.{number}").post(CODE, {"code": wrong_code(rita)})
    anew(rita)
    browser = with_password(address="203.0.113.9")
    waits = browser.post(CODE, {"code": code_now(rita)})
    assert (waits.status_code, 290 <= int(waits["Retry-After"]) <= 300) == (429, True)
    assert b"Too many wrong codes. A recovery code works at once. Wait 5 minutes" in waits.content
    browser.post(CODE, {"code": codes[0]})
    assert is_in(browser)


def test_one_switches_it_on_keeps_the_codes_and_switches_it_off(rita: Account, browser_of: SignIn) -> None:
    browser = browser_of(rita)
    page = browser.get(PAGE).content.decode()
    secret = second_factor.shown(browser.session[OFFERED])
    assert " ".join(secret[start : start + 4] for start in range(0, 32, 4)) in page
    issuer = "R4Web (testserver)"
    picture = second_factor.picture_of(one_time.address_of(secret, account="rita", issuer=issuer))
    assert picture in page
    assert picture in browser.get(PAGE).content.decode()  # the same until it is confirmed

    code = one_time.code_of(secret, int(time.time() // 30))
    for wrong in ({"password": "no", "code": code}, {"password": PASSWORD, "code": "abc"}, {}):
        assert not second_factor.is_on(rita)
        assert browser.post(PAGE, wrong).status_code == 200
    done = browser.post(PAGE, {"password": PASSWORD, "code": code})
    shown = done.content.decode().partition('aria-label="The recovery codes">')[2].partition("<")[0].split()
    assert (len(shown), done["Cache-Control"].count("no-store")) == (10, 1)
    assert OFFERED not in browser.session
    assert shown[0] not in browser.get(PAGE).content.decode()

    assert b"10 recovery codes left" in browser.get(PAGE).content
    assert b"not the code" in browser.post("/second-factor/codes/", {"code": "123"}).content
    made = browser.post("/second-factor/codes/", {"code": shown[0]}).content.decode()
    assert "the earlier ones work no more" in made
    assert b"not the code" in browser.post("/second-factor/off/", {"code": shown[1]}).content
    anew(rita)
    assert browser.post("/second-factor/off/", {"code": code_now(rita)})["Location"] == PAGE
    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert [entry.event for entry in AuditEntry.objects.order_by("pk")] == [
        *("refused", "factor_on", "wrong_code", "recovery_code", "codes_made", "wrong_code", "factor_off")
    ]


def test_switching_it_on_waits_like_signing_in(rita: Account, browser_of: SignIn) -> None:
    browser = browser_of(rita)
    answers = [browser.post(PAGE, {"password": "no", "code": "123456"}) for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 4 + [429] * 2


def test_who_has_no_password_is_asked_for_none(rita: Account, browser_of: SignIn) -> None:
    rita.set_unusable_password()
    rita.save()
    browser = browser_of(rita)
    assert b"Your password" not in browser.get(PAGE).content
    secret = second_factor.shown(browser.session[OFFERED])
    browser.post(PAGE, {"code": one_time.code_of(secret, int(time.time() // 30))})
    assert second_factor.is_on(rita)


def test_no_secret_and_no_code_is_in_logs_sessions_or_what_axes_keeps(
    rita: Account, browser_of: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        browser = browser_of(rita)
        browser.get(PAGE)
        secret = second_factor.shown(browser.session[OFFERED])
        browser.post(PAGE, {"password": "my-mistyped-word", "code": "654321"})
        in_session = [session.get_decoded() for session in Session.objects.all()]
        codes = switched_on(rita)
        half = with_password()
        half.post(CODE, {"code": "mist-yped-code-here"})
        browser.post("/second-factor/off/", {"code": "654322"})
        new = {"old_password": "the-old-mistyped", "new_password1": "brand-new-9-a", "new_password2": "brand-new-9-b"}
        browser.post(reverse("password_change"), new)
    typed = ["my-mistyped-word", "654321", "mist-yped-code-here", "654322", *new.values()]
    kept = "".join(attempt.get_data + attempt.post_data for attempt in AccessAttempt.objects.all())
    assert "code=***" in kept
    said = caplog.text + str(in_session) + kept + str(list(AuditEntry.objects.values()))
    assert not [one for one in (secret, *codes, *typed) if one in said]


@pytest.fixture
def required(settings: Any) -> None:
    settings.SECOND_FACTOR = second_factor.FOR_LEADS


@pytest.mark.usefixtures("required")
def test_a_lead_can_do_nothing_else_before_it_is_set_up(lena: Account, browser_of: SignIn) -> None:
    browser, open_to_her = browser_of(lena), {"second_factor"}
    values = {"catalog": "films", "kind": "users", "external_id": "1", "user_id": "1"}
    for name, rule in PAGES.items():
        if name in open_to_her:
            continue
        address = reverse(name, kwargs={parameter: values.get(parameter, 1) for parameter in ADDRESSES[name]})
        for method in rule.methods:
            answer = getattr(browser, method)(address)
            assert (answer.status_code, answer["Location"]) == (302, PAGE), name
    fragment = browser.get("/reviews/", headers=HTMX)
    assert (fragment.status_code, fragment["HX-Redirect"], fragment.content) == (403, PAGE, b"")
    page = browser.get(PAGE).content.decode()
    assert "Your account needs a second factor here." in page
    assert 'class="topnav"' not in page
    switched_on(lena)
    assert is_in(browser)
    assert browser.post("/sign-out/").status_code == 302


@pytest.mark.usefixtures("required")
def test_others_need_none_and_a_new_lead_does_at_once(rita: Account, lena: Account, browser_of: SignIn) -> None:
    browser = browser_of(rita)
    assert is_in(browser)
    people.change_role(rita, "lead")
    assert browser.get("/")["Location"] == PAGE


@pytest.mark.usefixtures("required")
def test_a_lead_who_switches_it_off_sets_up_another(lena: Account, browser_of: SignIn) -> None:
    switched_on(lena)
    anew(lena)
    browser = browser_of(lena)
    page = browser.post("/second-factor/off/", {"code": code_now(lena)}, follow=True).content.decode()
    assert "Your account needs a second factor here." in page
    assert browser.get("/accounts/")["Location"] == PAGE


def test_a_lead_resets_anothers_and_not_the_own(lena: Account, rita: Account, browser_of: SignIn) -> None:
    switched_on(rita)
    switched_on(lena)
    browser = browser_of(lena)
    assert "Reset the second factor of rita" in browser.get("/accounts/").content.decode()
    page = browser.post(f"/accounts/{rita.pk}/second-factor/", follow=True).content.decode()
    assert "rita has no second factor any more" in page
    assert "Reset the second factor of" not in page
    browser.post(f"/accounts/{rita.pk}/second-factor/")
    browser.post(f"/accounts/{lena.pk}/second-factor/")
    assert (second_factor.is_on(rita), second_factor.is_on(lena)) == (False, True)
    assert told(AuditEvent.FACTOR_RESET) == [("lena", "rita", "")]
    assert is_in(with_password())


def test_a_command_is_the_way_back_in(lena: Account) -> None:
    switched_on(lena)
    for words in ("has no second factor any more", "has no second factor to take away"):
        out = io.StringIO()
        call_command("create_account", "lena", "--reset-second-factor", stdout=out)
        assert words in out.getvalue()
    assert told(AuditEvent.FACTOR_RESET) == [("", "lena", "")]
    assert is_in(with_password("lena"))
    with pytest.raises(CommandError, match="There is no account nobody"):
        call_command("create_account", "nobody", "--reset-second-factor")
    with pytest.raises(CommandError, match="Give --role"):
        call_command("create_account", "nora")


def test_the_page_costs_a_lead_one_question_more_only_where_it_is_required(
    lena: Account, browser_of: SignIn, settings: Any, django_assert_num_queries: Any
) -> None:
    switched_on(lena)
    browser = browser_of(lena)
    for setting, queries in (("OPTIONAL", 3), (second_factor.FOR_LEADS, 4)):
        settings.SECOND_FACTOR = setting
        browser.get("/accounts/log/")
        with django_assert_num_queries(queries):
            assert browser.get("/accounts/log/").status_code == 200


def test_half_in_is_not_in_for_another_account_in_the_same_browser(rita: Account) -> None:
    switched_on(rita)
    make_account("omar")
    browser = with_password()
    browser.post(LOGIN, {"username": "omar", "password": PASSWORD})
    assert is_in(browser)
    assert entering.WAITS not in browser.session
