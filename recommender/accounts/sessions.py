"""Sessions end when nobody does anything for a while. The limit slides: what a person does renews it."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse

from recommender.accounts import audit
from recommender.models import AuditEvent

SEEN_AT = "seen_at"  # in a session: Unix seconds
NOTED_EVERY = 60  # seconds: reading a page must not always write a session
FOR_PROGRAMS = ("/api/", "/healthz/")


def end_idle_ones(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: sign out whoever did nothing for R4_SESSION_IDLE minutes. `ran_out` tells guards why."""

    def answer(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(FOR_PROGRAMS) and SESSION_KEY in request.session:
            _look(request, time.time())
        return get_response(request)

    return answer


def begin(request: HttpRequest) -> None:
    """Somebody signed in just now."""
    request.session[SEEN_AT] = int(time.time())


def ran_out(request: HttpRequest) -> bool:
    """Whether this request's session ended just now because nothing had happened."""
    return getattr(request, "session_ran_out", False)


def clear() -> None:
    """Delete sessions whose cookies browsers have dropped."""
    SessionStore.clear_expired()


def _look(request: HttpRequest, now: float) -> None:
    if not request.user.is_authenticated:
        return
    seen = request.session.get(SEEN_AT)
    if seen is not None and settings.SESSION_IDLE and now - seen > settings.SESSION_IDLE:
        audit.record(AuditEvent.RAN_OUT)
        logout(request)
        request.session_ran_out = True  # type: ignore[attr-defined]
        return
    last_login = request.user.last_login  # for a session that began elsewhere than on the sign-in page
    noted = seen or (last_login.timestamp() if last_login else 0)
    if now - noted > NOTED_EVERY and not _asks_by_itself(request):
        request.session[SEEN_AT] = int(now)


def _asks_by_itself(request: HttpRequest) -> bool:
    """Pages that show progress go on asking when nobody looks."""
    return request.method == "GET" and request.headers.get("HX-Request") == "true"
