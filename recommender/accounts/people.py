"""Accounts of people: made, given a role, closed, let in again. A password is made here and shown once."""

import secrets
from collections.abc import Collection

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from recommender.accounts import audit, throttle
from recommender.accounts.hashing import BusyError
from recommender.accounts.tokens import revoke
from recommender.models import Account, ApiToken, AuditEvent, Catalog, Role

ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that looks like another
LENGTH = 16
LONGEST_NAME = 150  # characters: Account.username


class AccountError(ValueError):
    """What was asked for cannot be; the message says why."""


def create(
    name: str, *, role: str, password: str = "", catalogs: Collection[Catalog] = (), email: str = ""
) -> tuple[Account, str]:
    """An account and its password, which is made where none is given and cannot be read again.

    `catalogs`: the only ones it may see; none: all. `email`: what an OpenID provider knows it by. Raises AccountError.
    """
    try:
        UnicodeUsernameValidator()(name)
    except ValidationError:
        raise AccountError("A name has letters, digits and @ . + - _ only.") from None
    if len(name) > LONGEST_NAME:
        raise AccountError(f"A name has at most {LONGEST_NAME} characters.")
    if Account.objects.filter(username__iexact=name).exists():
        raise AccountError(f"There is an account {name} already.")
    account = Account(username=name, role=Role(role), email=_free(email))
    password = _checked(password, account) if password else new_password()
    _set(account, password)
    account.all_catalogs = not catalogs
    with transaction.atomic():
        account.save()
        account.catalogs.set(catalogs)
        audit.record(AuditEvent.ACCOUNT_MADE, about=account, details=account.get_role_display())
    return account, password


@transaction.atomic
def change_role(account: Account, role: str) -> None:
    """Give an account another role. Its tokens end with the old one. Raises AccountError for the last lead."""
    if role == account.role:
        return
    _require_another_lead(account)
    before, account.role = account.get_role_display(), Role(role)
    account.save(update_fields=["role"])
    audit.record(AuditEvent.ROLE_CHANGED, about=account, details=f"{before} → {account.get_role_display()}")
    _revoke_tokens(account)


@transaction.atomic
def change_catalogs(account: Account, catalogs: Collection[Catalog]) -> None:
    """Let an account and its tokens see these catalogs only; none: all. Raises AccountError for the last such lead."""
    if catalogs:
        _require_another_lead(account)
    account.all_catalogs = not catalogs
    account.save(update_fields=["all_catalogs"])
    account.catalogs.set(catalogs)
    seen = ", ".join(str(catalog) for catalog in catalogs) or "All catalogs"
    audit.record(AuditEvent.CATALOGS_CHANGED, about=account, details=seen)


@transaction.atomic
def change_email(account: Account, email: str) -> None:
    """Give it the e-mail address that an OpenID provider knows it by, or none. Nobody outside is joined to it any more.

    Raises AccountError for one that is none, or another account's.
    """
    account.email = _free(email, but=account)
    account.save(update_fields=["email"])
    account.identities.all().delete()
    audit.record(AuditEvent.EMAIL_CHANGED, about=account)


@transaction.atomic
def close(account: Account) -> None:
    """Let nobody in with this account, its sessions and tokens included. Raises AccountError for the last lead."""
    _require_another_lead(account)
    account.is_active = False
    account.save(update_fields=["is_active"])
    audit.record(AuditEvent.ACCOUNT_CLOSED, about=account)
    _revoke_tokens(account)


@transaction.atomic
def reopen(account: Account) -> None:
    """Let it in again, with the password it had; tokens stay revoked."""
    account.is_active = True
    account.save(update_fields=["is_active"])
    audit.record(AuditEvent.ACCOUNT_REOPENED, about=account)


def reset_password(account: Account, password: str = "") -> str:
    """A new password. It ends all sessions of the account, and wrong tries count no more. Raises AccountError."""
    password = _checked(password, account) if password else new_password()
    _set(account, password)
    with transaction.atomic():
        account.save(update_fields=["password"])
        audit.record(AuditEvent.PASSWORD_RESET, about=account)
        throttle.forgive(account.username)
    return password


def new_password() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def _set(account: Account, password: str) -> None:
    """Outside any transaction: it takes half a second."""
    try:
        account.set_password(password)
    except BusyError as busy:
        raise AccountError(str(busy)) from None


def _checked(password: str, account: Account) -> str:
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise AccountError(" ".join(error.messages)) from None
    return password


def _free(email: str, *, but: Account | None = None) -> str:
    """The address as it is kept. Raises AccountError."""
    if not email:
        return ""
    try:
        validate_email(email)
    except ValidationError:
        raise AccountError("That is no e-mail address.") from None
    others = Account.objects.exclude(pk=but.pk) if but else Account.objects.all()
    if other := others.filter(email__iexact=email).first():
        raise AccountError(f"{other} has that e-mail address.")
    return email


def _require_another_lead(account: Account) -> None:
    """Somebody has to be left who may manage accounts: a lead of all catalogs."""
    if account.role != Role.LEAD or not account.is_active or not account.all_catalogs:
        return
    leads = Account.objects.select_for_update().filter(role=Role.LEAD, is_active=True, all_catalogs=True)
    if not leads.exclude(pk=account.pk).exists():
        raise AccountError(f"{account} is the only lead of all catalogs: make somebody else one first.")


def _revoke_tokens(account: Account) -> None:
    for token in ApiToken.objects.filter(created_by=account, revoked_at=None):
        revoke(token)
