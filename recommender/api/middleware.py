"""What every answer gets: the id of its request, which the log has too; below /api/, fewer bytes where asked."""

import re
from collections.abc import Callable
from contextvars import ContextVar
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

HEADER = "X-Request-ID"
ACCEPTED = re.compile(r"[A-Za-z0-9._:/+=@-]{1,100}", re.ASCII)  # nothing that a log line or a header could break on
API = "/api/"
GZIP_REFUSED = re.compile(r"\bgzip\s*;\s*q=0(\.0*)?\s*(,|$)", re.IGNORECASE)

_id: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """The id of the request that is being answered; empty outside of one."""
    return _id.get()


def identified(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: a request keeps the id it came with, if that is a plain one; else it gets a new one."""

    def answer(request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        before = _id.set(given if ACCEPTED.fullmatch(given) else uuid4().hex)
        try:
            response = get_response(request)
            response[HEADER] = _id.get()
            return response
        finally:
            _id.reset(before)

    return answer


class Compressed(GZipMiddleware):
    """Compresses answers of the API. Pages stay as they are: they hold secrets beside what a visitor typed (BREACH)."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_refused = GZIP_REFUSED.search(request.headers.get("Accept-Encoding", ""))  # Django sees the word alone
        packs = request.path_info.startswith(API) and not is_refused
        return super().process_response(request, response) if packs else response
