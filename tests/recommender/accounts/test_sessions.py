"""A session is read anew at every request: what ends it anywhere ends it at once everywhere."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.accounts.sessions import SessionStore
from recommender.models import Account
from tests.builders import make_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def browser(account: Account) -> Client:
    browser = Client()
    browser.force_login(account)
    assert is_in(browser)
    return browser


def is_in(browser: Client) -> bool:
    return browser.get(reverse("reviews:queue")).status_code == 200


def test_it_ends_when_it_is_deleted(browser: Client) -> None:
    Session.objects.all().delete()
    assert not is_in(browser)


def test_it_ends_when_its_time_is_over(browser: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not is_in(browser)


def test_it_ends_when_the_account_may_not_come_in_any_more(browser: Client, account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(is_active=False)
    assert not is_in(browser)


def test_it_ends_when_the_password_is_another(browser: Client, account: Account) -> None:
    account.set_password("something else entirely")
    account.save()
    assert not is_in(browser)


def test_what_another_process_writes_into_it_is_there_at_the_next_request(browser: Client) -> None:
    key = browser.session.session_key
    for value in (1, 2):
        elsewhere = SessionStore(key)
        elsewhere["seen"] = value
        elsewhere.save()
        assert SessionStore(key)["seen"] == value


def test_sessions_that_began_with_djangos_engine_go_on() -> None:
    before = db.SessionStore()
    before["seen"] = 1
    before.create()

    assert SessionStore(before.session_key)["seen"] == 1


@pytest.mark.parametrize("key", ["", "nobody-has-this-key", "' OR 1=1 --", "🔑" * 8, "x" * 5000])
def test_a_key_that_nobody_has_holds_nothing_and_is_dropped(key: str) -> None:
    store = SessionStore(key)
    assert store.load() == {}
    assert store.session_key is None
