"""The audit log: written where a thing is done, read by leads, cleared when its time is over.

A request's account and address come from the middleware; a service need not be told who asks.
"""

from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from recommender.accounts.address import address_of
from recommender.models import Account, AuditEntry, AuditEvent
from recommender.models.audit import LONGEST_ABOUT, LONGEST_DETAILS, SIGN_INS

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


def of_requests(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: what is recorded while this request is answered was done by its account, from its address."""

    def answer(request: HttpRequest) -> HttpResponse:
        before = _request.set(request)
        try:
            return get_response(request)
        finally:
            _request.reset(before)

    return answer


def record(
    event: AuditEvent,
    *,
    about: object = "",
    details: str = "",
    by: Account | None = None,
    name: str = "",
    by_itself: bool = False,
) -> None:
    """Add an entry, in the caller's transaction. `by`: who did it; the request's account unless told otherwise.

    `name`: who it was said to be, where nobody is signed in. `by_itself`: it happened, whoever asked at that moment.
    """
    request = None if by_itself else _request.get()
    account = by or _account_of(request)
    AuditEntry.objects.create(
        event=event,
        account=account,
        name=account.username if account else name,
        about=_short(str(about), LONGEST_ABOUT),
        details=_short(details, LONGEST_DETAILS),
        address=address_of(request) if request else None,
    )


def clear() -> int:
    """Delete what is older than R4_AUDIT_DAYS, and of sign-ins, which say where people were, R4_AUDIT_SIGN_IN_DAYS."""
    now, over = timezone.now(), Q(pk__in=[])
    if settings.AUDIT_SIGN_IN_DAYS:
        over |= Q(event__in=SIGN_INS, at__lt=now - timedelta(days=settings.AUDIT_SIGN_IN_DAYS))
    if settings.AUDIT_DAYS:
        over |= Q(at__lt=now - timedelta(days=settings.AUDIT_DAYS))
    return AuditEntry.objects.filter(over).delete()[0]


def _account_of(request: HttpRequest | None) -> Account | None:
    user = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated else None


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
