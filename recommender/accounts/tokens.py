"""Keys that programs use: made, recognised, revoked. Only a key's SHA-256 is ever stored."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from recommender.accounts import audit
from recommender.accounts.visible import within
from recommender.models import Account, ApiToken, AuditEvent, Catalog, Role, TokenScope

PREFIX_LENGTH = 12
USE_IS_NOTED_EVERY = timedelta(minutes=1)
ASK_A_LEAD = "A lead makes new ones."
READING = (TokenScope.CATALOGS_READ, TokenScope.RECOMMENDATIONS_READ, TokenScope.EXPLANATIONS_READ)
MOST_PER_MINUTE = 1_000_000
KEPT_FOR = 1.0  # seconds
MOST_KEPT = 10_000

_kept: dict[str, tuple[float, ApiToken]] = {}  # by digest: until when a token is good as it was read, and the token


class ScopeRefusedError(ValueError):
    """No token was made: the account may not do what a scope opens. The message says which and what to do."""


class TokenRefusedError(Exception):
    """This key opens nothing; the message says why and what to do."""


def create_token(
    name: str,
    *,
    account: Account,
    expires_at: datetime | None = None,
    scopes: Sequence[str] = READING,
    catalog: Catalog | None = None,
    per_minute: int | None = None,
) -> tuple[ApiToken, str]:
    """Make a token for `account`. Returns it and its key, which cannot be read again.

    `catalog`: the only one it opens, else all of its account's. `per_minute`: None, as many requests as the setting
    says; 0, any number. Raises ScopeRefusedError.
    """
    refused = [scope.value for scope in TokenScope if scope in scopes and scope.is_for_leads]
    if refused and account.role != Role.LEAD:
        raise ScopeRefusedError(f"Only tokens of leads may have {', '.join(refused)}, and {account} is no lead.")
    key = f"r4_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        name=name,
        prefix=key[:PREFIX_LENGTH],
        digest=digest_of(key),
        created_by=account,
        expires_at=expires_at,
        scopes=[scope.value for scope in TokenScope if scope in scopes],
        catalog=catalog,
        per_minute=per_minute,
    )
    audit.record(AuditEvent.TOKEN_MADE, about=token, details=f"For {account}")
    return token, key


def recognise(key: str, *, now: datetime | None = None) -> ApiToken:
    """The token of a key that may be used now, its account loaded. Raises TokenRefusedError.

    What a process has read of a token it goes by for KEPT_FOR seconds: so long others may not see that it was revoked.
    """
    now = now or timezone.now()
    token = _read(digest_of(key))
    if token is None:
        raise TokenRefusedError(f"This token is not known: check the key. {ASK_A_LEAD}")
    if token.revoked_at is not None:
        raise TokenRefusedError(f"The token {token} was revoked on {token.revoked_at:%Y-%m-%d}. {ASK_A_LEAD}")
    if token.expires_at is not None and token.expires_at <= now:
        raise TokenRefusedError(f"The token {token} expired on {token.expires_at:%Y-%m-%d}. {ASK_A_LEAD}")
    if not token.created_by.is_active:
        raise TokenRefusedError(f"The account of the token {token} is closed. {ASK_A_LEAD}")
    _note_use(token, now=now)
    return token


def _read(digest: str) -> ApiToken | None:
    kept = _kept.get(digest)
    if kept is not None and time.monotonic() < kept[0]:
        return kept[1]
    token = ApiToken.objects.select_related("created_by").filter(digest=digest).first()
    # The index compares SHA-256 values, which a caller cannot steer; what decides compares in constant time.
    if token is None or not hmac.compare_digest(token.digest, digest):
        return None
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[digest] = time.monotonic() + KEPT_FOR, token
    return token


def visible_to(account: Account) -> QuerySet[ApiToken]:
    """The tokens an account may see and revoke: its own, and those of no other catalogs than its own."""
    return within(ApiToken.objects.all(), account) | ApiToken.objects.filter(created_by=account)


def revoke(token: ApiToken) -> None:
    """From now on the key opens nothing. Revoking it again keeps the first moment."""
    _kept.pop(token.digest, None)
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit.record(AuditEvent.TOKEN_REVOKED, about=token)


def _note_use(token: ApiToken, *, now: datetime) -> None:
    """Write `last_used_at` at most once a minute: reading a recommendation must not always write a token."""
    noted_before = now - USE_IS_NOTED_EVERY
    if token.last_used_at is not None and token.last_used_at > noted_before:
        return
    due = Q(last_used_at=None) | Q(last_used_at__lte=noted_before)
    ApiToken.objects.filter(due, pk=token.pk).update(last_used_at=now)
    token.last_used_at = now


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
