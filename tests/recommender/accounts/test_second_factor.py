"""The second factor without pages: what is kept of it, what waits, and what never does."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from recommender.accounts import one_time, second_factor
from recommender.accounts.second_factor import Answer
from recommender.models import Account, AuditEntry, RecoveryCode, Role, SecondFactor
from tests.builders import make_account

pytestmark = pytest.mark.django_db


def code_now(account: Account, *, off: int = 0) -> str:
    """What the account's app shows now, or `off` steps later."""
    secret = second_factor.shown(SecondFactor.objects.get(account=account).secret)
    return one_time.code_of(secret, int(timezone.now().timestamp() // one_time.SECONDS) + off)


def switched_on(account: Account) -> list[str]:
    """Its recovery codes; the code of this moment is used."""
    offered = second_factor.offer()
    step = int(timezone.now().timestamp() // one_time.SECONDS)
    codes = second_factor.switch_on(account, offered, one_time.code_of(second_factor.shown(offered), step))
    assert codes is not None
    return codes


def anew(account: Account) -> None:
    """As if its last code was used long ago."""
    SecondFactor.objects.filter(account=account).update(last_step=0)


def wrong_code(account: Account) -> str:
    right = {code_now(account, off=off) for off in range(-2, 3)}
    return next(code for number in range(10) if (code := f"{number:06}") not in right)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time stands still until a test moves it: no code runs out meanwhile."""
    now = [timezone.now()]
    monkeypatch.setattr(timezone, "now", lambda: now[0])
    return now


@pytest.fixture
def rita(db: None) -> Account:
    return make_account("rita", role=Role.ANNOTATOR)


def test_it_is_on_once_the_app_has_shown_a_code(rita: Account) -> None:
    offered = second_factor.offer()
    assert second_factor.switch_on(rita, offered, "000000x") is None
    assert not second_factor.is_on(rita)
    assert len(set(switched_on(rita))) == 10
    assert second_factor.is_on(rita)


def test_a_code_is_taken_once_however_it_is_typed(rita: Account) -> None:
    switched_on(rita)
    assert second_factor.check(rita, code_now(rita)) is Answer.WRONG  # it switched it on
    anew(rita)
    code = code_now(rita)
    assert second_factor.check(rita, f" {code[:3]} {code[3:]}") is Answer.RIGHT
    assert second_factor.check(rita, code) is Answer.WRONG


def test_a_recovery_code_works_once_and_for_its_account_alone(rita: Account) -> None:
    codes, omar = switched_on(rita), make_account("omar")
    switched_on(omar)
    assert second_factor.check(omar, codes[0]) is Answer.WRONG
    assert second_factor.check(rita, codes[0].replace("-", " ").upper()) is Answer.RECOVERY
    assert second_factor.check(rita, codes[0]) is Answer.WRONG
    assert RecoveryCode.objects.filter(account=rita).count() == 9
    assert set(second_factor.new_codes(rita)).isdisjoint(codes)
    assert second_factor.check(rita, codes[1]) is Answer.WRONG


def test_each_wrong_code_makes_the_wait_longer_and_a_recovery_code_waits_for_nothing(
    rita: Account, clock: list[datetime]
) -> None:
    codes, waits = switched_on(rita), []
    for _ in range(8):
        assert second_factor.check(rita, wrong_code(rita)) is Answer.WRONG
        waits.append(second_factor.seconds_to_wait(rita))
        clock[0] += timedelta(seconds=waits[-1])
    assert waits == [0, 0, 0, 0, 300, 600, 900, 1200]
    assert second_factor.check(rita, wrong_code(rita)) is Answer.WRONG
    anew(rita)
    assert second_factor.check(rita, code_now(rita)) is Answer.WAITS
    assert second_factor.check(rita, codes[0]) is Answer.RECOVERY
    assert second_factor.seconds_to_wait(rita) == 0
    assert second_factor.check(rita, code_now(rita)) is Answer.RIGHT


def test_under_another_key_codes_cannot_be_checked_and_recovery_codes_can(rita: Account, settings: Any) -> None:
    codes = switched_on(rita)
    settings.SECRET_KEY = "another"
    assert second_factor.check(rita, "123456") is Answer.UNREADABLE
    assert second_factor.check(rita, codes[0]) is Answer.RECOVERY


def test_nothing_that_lets_anybody_in_is_in_the_database(rita: Account) -> None:
    codes = switched_on(rita)
    secret = second_factor.shown(SecondFactor.objects.get().secret)
    second_factor.check(rita, wrong_code(rita))
    second_factor.check(rita, codes[0])
    tables = (SecondFactor, RecoveryCode, AuditEntry)
    kept = json.dumps([list(table._default_manager.values()) for table in tables], default=datetime.isoformat)
    assert not [one for one in (secret, *codes, *(code.replace("-", "") for code in codes)) if one in kept]


@pytest.mark.parametrize(
    ("setting", "role", "is_superuser", "missing"),
    [
        ("OPTIONAL", Role.LEAD, True, False),
        ("LEADS", Role.LEAD, False, True),
        ("LEADS", Role.PM, True, True),
        ("LEADS", Role.PM, False, False),
        ("LEADS", Role.ANNOTATOR, False, False),
    ],
)
def test_who_must_have_one(settings: Any, setting: str, role: Role, is_superuser: bool, missing: bool) -> None:
    settings.SECOND_FACTOR = setting
    account = make_account(role=role)
    account.is_superuser = is_superuser
    assert second_factor.is_missing(account) == missing
    switched_on(account)
    assert not second_factor.is_missing(account)
