"""The second factor: an authenticator app and recovery codes, beside whatever let the account in first.

The app's secret is encrypted, so that a copy of the database makes no codes; of a recovery code only the SHA-256 is
kept. Whoever guesses codes knows the password already: each wrong one makes the account's next wait longer, on top of
what wrong passwords cost, and only a right one ends that. A recovery code cannot be guessed, and waits for nothing.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import Enum

import segno
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from recommender import sealed
from recommender.accounts import audit, one_time
from recommender.models import Account, AuditEvent, RecoveryCode, Role, SecondFactor

PURPOSE = "recommender.accounts.second_factor"
CODES = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
GROUPS, OF_A_GROUP = 4, 4  # characters of a recovery code: 79 bits
FOR_LEADS = "LEADS"  # R4_SECOND_FACTOR


class Answer(Enum):
    RIGHT = "right"
    RECOVERY = "a recovery code"
    WRONG = "wrong"
    WAITS = "too many were wrong"  # it was not looked at
    UNREADABLE = "the secret was encrypted under another R4_SECRET_KEY"


def is_on(account: Account) -> bool:
    return SecondFactor.objects.filter(account=account).exists()


def is_missing(account: Account) -> bool:
    """Whether the account has to set one up before anything else. No query unless R4_SECOND_FACTOR asks for one."""
    if settings.SECOND_FACTOR != FOR_LEADS or not (account.role == Role.LEAD or account.is_superuser):
        return False
    return not is_on(account)


def offer() -> str:
    """A new secret, encrypted: what a session may hold until it is confirmed."""
    return sealed.sealed(one_time.new_secret(), purpose=PURPOSE)


def shown(offered: str) -> str:
    """The secret for its owner's eyes. Raises sealed.UnreadableSecretError."""
    return sealed.opened(offered, purpose=PURPOSE)


def picture_of(address: str) -> str:
    """A QR code as an SVG element without scripts and styles."""
    code = segno.make(address, error="m", micro=False)
    return str(code.svg_inline(scale=5, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True))


@transaction.atomic
def switch_on(account: Account, offered: str, code: str) -> list[str] | None:
    """Switch it on if the code shows that the app has the secret. Returns the recovery codes, which are shown once."""
    now = timezone.now()
    step = one_time.step_of(shown(offered), _typed(code), now=now.timestamp())
    if step is None:
        return None
    SecondFactor.objects.update_or_create(
        account=account, defaults={"secret": offered, "last_step": step, "wrong": 0, "wrong_at": None}
    )
    audit.record(AuditEvent.FACTOR_ON, about=account, by=account)
    return _codes_for(account)


@transaction.atomic
def new_codes(account: Account) -> list[str]:
    """Others in place of the recovery codes there are."""
    audit.record(AuditEvent.CODES_MADE, about=account, by=account)
    return _codes_for(account)


def switch_off(account: Account) -> None:
    _take_away(account, AuditEvent.FACTOR_OFF)


def reset(account: Account) -> bool:
    """Take away that of somebody who cannot get in any more. False: there was none."""
    return _take_away(account, AuditEvent.FACTOR_RESET)


@transaction.atomic
def check(account: Account, code: str, *, where: str = "") -> Answer:
    """Look at a code of the app, or at a recovery code, which is used up. `where`: for the audit log."""
    now, typed = timezone.now(), _typed(code)
    factor = SecondFactor.objects.select_for_update().filter(account=account).first()
    if factor is None:
        return Answer.WRONG
    if RecoveryCode.objects.filter(account=account, digest=_digest(typed)).delete()[0]:
        _forgive(factor)
        left = RecoveryCode.objects.filter(account=account).count()
        audit.record(AuditEvent.RECOVERY_CODE, about=account, details=f"{where} {left} left".strip(), by=account)
        return Answer.RECOVERY
    if _wait(factor, now):
        return Answer.WAITS
    try:
        step = one_time.step_of(shown(factor.secret), typed, now=now.timestamp(), after=factor.last_step)
    except sealed.UnreadableSecretError:
        return Answer.UNREADABLE
    if step is None:
        factor.wrong, factor.wrong_at = factor.wrong + 1, now
        factor.save(update_fields=["wrong", "wrong_at"])
        audit.record(AuditEvent.WRONG_CODE, about=account, details=where, by=account)
        return Answer.WRONG
    factor.last_step = step
    _forgive(factor)
    return Answer.RIGHT


def seconds_to_wait(account: Account) -> int:
    """Until a code of the app is looked at again; 0: now."""
    factor = SecondFactor.objects.filter(account=account).first()
    return _wait(factor, timezone.now()) if factor else 0


def _wait(factor: SecondFactor, now: datetime) -> int:
    """R4_SIGN_IN_WAIT after R4_SIGN_IN_TRIES wrong codes, and once more for each that follows."""
    waits = factor.wrong - settings.SIGN_IN_TRIES + 1
    if waits <= 0 or factor.wrong_at is None:
        return 0
    ends = factor.wrong_at + timedelta(seconds=settings.SIGN_IN_WAIT * waits)
    return max(0, round((ends - now).total_seconds()))


def _forgive(factor: SecondFactor) -> None:
    factor.wrong, factor.wrong_at = 0, None
    factor.save(update_fields=["last_step", "wrong", "wrong_at"])


@transaction.atomic
def _take_away(account: Account, event: AuditEvent) -> bool:
    RecoveryCode.objects.filter(account=account).delete()
    was_on = bool(SecondFactor.objects.filter(account=account).delete()[0])
    if was_on:
        audit.record(event, about=account)
    return was_on


def _codes_for(account: Account) -> list[str]:
    RecoveryCode.objects.filter(account=account).delete()
    codes = ["-".join(_group() for _ in range(GROUPS)) for _ in range(CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(account=account, digest=_digest(_typed(code))) for code in codes)
    return codes


def _group() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(OF_A_GROUP))


def _typed(code: str) -> str:
    """As it was made, however it was typed."""
    return "".join(code.split()).replace("-", "").lower()


def _digest(typed: str) -> str:
    return hashlib.sha256(typed.encode(errors="replace")).hexdigest()
