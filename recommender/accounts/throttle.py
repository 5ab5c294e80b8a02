"""Wrong passwords cost time. django-axes counts them in the database, so for all web processes together.

Over the last R4_SIGN_IN_WAIT seconds one account takes R4_SIGN_IN_TRIES wrong passwords from one address, one address
four times as many for all accounts, and one account ten times as many from everywhere. The last does not hold where the
account signed in from the address lately, so that strangers' guesses keep nobody out.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from axes.backends import AxesStandaloneBackend
from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_client_username, get_credentials
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from recommender.accounts.address import address_of
from recommender.models import AuditEntry, AuditEvent

OF_AN_ADDRESS = 4  # times R4_SIGN_IN_TRIES
OF_AN_ACCOUNT = 10
LATELY = timedelta(days=30)

Failures = Iterable[tuple[datetime, int]]  # the last moment, and how many up to then


class Backend(AxesStandaloneBackend):  # type: ignore[misc]  # axes has no types
    """Refuses, before any password is hashed, who has to wait; lets nobody in by itself."""

    def authenticate(self, request: HttpRequest | None, username: str | None = None, **more: Any) -> None:
        if request is not None:  # a command and a test have no address
            super().authenticate(request, username, **more)


class Handler(AxesDatabaseHandler):  # type: ignore[misc]
    """axes with three rules of different limits in place of one."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """The limit where one has to wait, else 0: what axes compares."""
        waits = _seconds(request, get_client_username(request, credentials) or "")
        return int(settings.AXES_FAILURE_LIMIT) if waits else 0


def seconds_to_wait(request: HttpRequest, name: str) -> int:
    """Until a password is looked at again, for this account name and where the request comes from; 0: now."""
    AxesProxyHandler.update_request(request)
    return _seconds(request, name)


def failed(request: HttpRequest, name: str) -> None:
    """Count a wrong password that was typed elsewhere than on the sign-in page."""
    user_login_failed.send(sender=__name__, credentials=get_credentials(username=name), request=request)


def forgive(name: str) -> None:
    """Count nothing of an account any more, wherever it came from."""
    AxesProxyHandler.reset_attempts(username=name)


def clear() -> int:
    """Delete what counts no more."""
    over = timezone.now() - timedelta(seconds=settings.SIGN_IN_WAIT)
    return int(AccessAttempt.objects.filter(attempt_time__lt=over).delete()[0])


def in_words(seconds: int) -> str:
    """A wait or a limit as people say it, rounded up: 20 seconds, 5 minutes, 8 hours."""
    for unit, of in (("hour", 3600), ("minute", 60)):
        if seconds >= of:
            count = -(-seconds // of)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} second{'s' if seconds != 1 else ''}"


def _seconds(request: HttpRequest, name: str) -> int:
    now, lasts = timezone.now(), timedelta(seconds=settings.SIGN_IN_WAIT)
    network, tries = request.axes_ip_address, settings.SIGN_IN_TRIES  # type: ignore[attr-defined]  # axes put it there
    found = list(
        AccessAttempt.objects.filter(Q(username=name) | Q(ip_address=network), attempt_time__gt=now - lasts)
        .order_by("attempt_time")
        .values_list("username", "ip_address", "attempt_time", "failures_since_start")
    )
    ends = [
        _free_from([(at, count) for who, where, at, count in found if (who, where) == (name, network)], tries),
        _free_from([(at, count) for _, where, at, count in found if where == network], tries * OF_AN_ADDRESS),
    ]
    of_account = _free_from([(at, count) for who, _, at, count in found if who == name], tries * OF_AN_ACCOUNT)
    if of_account and not _was_here(request, name):
        ends.append(of_account)
    last = max((end for end in ends if end), default=None)
    return max(1, round((last + lasts - now).total_seconds())) if last else 0


def _free_from(failures: Failures, most: int) -> datetime | None:
    """The failure that has to be forgotten first, oldest first, before fewer than `most` are left."""
    failures = list(failures)
    left = sum(count for _, count in failures)
    for at, count in failures:
        if left < most:
            return None
        left -= count
        if left < most:
            return at
    return None


def _was_here(request: HttpRequest, name: str) -> bool:
    """Whether the account signed in from this address lately."""
    here = AuditEntry.objects.filter(name=name, event=AuditEvent.SIGNED_IN, address=address_of(request))
    return here.filter(at__gt=timezone.now() - LATELY).exists()
