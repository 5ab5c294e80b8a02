"""The last step of every way in: who has a second factor shows it first; then a session begins, and the log says so."""

import time
from dataclasses import asdict, dataclass

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare

from recommender.accounts import audit, second_factor, sessions
from recommender.models import Account, AuditEvent

WAITS = "second_step"  # in a session: who is half in
LASTS = 10 * 60  # seconds
BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True)
class Half:
    """An account that was let in by the first step. `proof`: changes with its password. `how`: for the audit log."""

    account_id: int
    proof: str
    began_at: int
    to: str
    how: str = ""


def enter(request: HttpRequest, account: Account, *, to: str, how: str = "") -> HttpResponseRedirect:
    """Go on to `to`, a page of ours, or to the second step before it."""
    if not second_factor.is_on(account):
        return let_in(request, account, to=to, how=how)
    request.session.cycle_key()
    half = Half(account.pk, account.get_session_auth_hash(), int(time.time()), to, how)
    request.session[WAITS] = asdict(half)
    return redirect("sign_in_code")


def half_in(request: HttpRequest) -> tuple[Account, Half] | None:
    """Who is half in here; None for nobody, and where it was too long ago or something changed meanwhile."""
    kept = request.session.get(WAITS)
    half = Half(**kept) if kept else None
    if half is None or not 0 <= time.time() - half.began_at <= LASTS:
        return None
    account = Account.objects.filter(pk=half.account_id, is_active=True).first()
    if account is None or not constant_time_compare(account.get_session_auth_hash(), half.proof):
        return None
    return account, half


def let_in(request: HttpRequest, account: Account, *, to: str, how: str = "") -> HttpResponseRedirect:
    request.session.pop(WAITS, None)
    login(request, account, backend=BACKEND)
    sessions.begin(request)
    audit.record(AuditEvent.SIGNED_IN, by=account, details=how)
    return HttpResponseRedirect(to)
