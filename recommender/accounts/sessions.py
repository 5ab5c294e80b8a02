"""Sessions end when nobody does anything for a while. The limit slides: what a person does renews it.

They are Django's, in the database, and Django's engine; only they are read by a query that is compiled once.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from recommender.accounts import audit
from recommender.models import AuditEvent
from recommender.prepared import Prepared

SEEN_AT = "seen_at"  # in a session: Unix seconds
NOTED_EVERY = 60  # seconds: reading a page must not always write a session
FOR_PROGRAMS = ("/api/", "/healthz/")


def _unexpired(*, key: str, now: datetime) -> QuerySet[Session]:
    return Session.objects.filter(session_key=key, expire_date__gt=now)


_UNEXPIRED = Prepared(_unexpired)


class SessionStore(db.SessionStore):
    """The engine that SESSION_ENGINE names."""

    def load(self) -> dict[str, Any]:
        """What the session holds; nothing where it has expired or there is none."""
        found = _UNEXPIRED.rows(key=self.session_key or "", now=timezone.now())
        if not found:
            self._session_key = None
            return {}
        held: dict[str, Any] = self.decode(found[0].session_data)
        return held


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
