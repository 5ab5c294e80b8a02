"""What the views of all resources share."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.http import HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from recommender.accounts.quota import WINDOW, Quota
from recommender.api.errors import CONTENT_TYPE, DOCS, UnknownPath
from recommender.api.problems import ProblemSerializer
from recommender.models import TokenScope

PERSONAL = "private, no-store"  # never kept, never shown to another
ANYTHING, JSON = "*/*", "application/json"
CONDITIONAL = "private, no-cache"  # kept by the caller alone, who asks each time whether it still is so

PROBLEMS = {
    400: "A parameter is not valid, or not known; or the body cannot be read.",
    401: "No token, or one that is unknown, expired or revoked.",
    403: "The token lacks the scope or the role that this needs.",
    404: "Nothing has this name or id, or it is in a catalog that the token does not open.",
    410: "It was erased.",
    413: "The body is too large.",
    406: "This API answers in JSON.",
    429: "The token has sent too many requests in this minute.",
    500: "Something went wrong here.",
    503: "The database is away, busy or full. Send the same again after Retry-After seconds.",
}
MATCHING = {412: "It is not as the ETag in If-Match says."}
WRITING = {
    409: "The request with this Idempotency-Key is under way, or what it is about does not allow it now.",
    413: "The body is too large.",
    415: "The body is of another type than the address takes.",
    422: "The Idempotency-Key was used for another request, or what was sent cannot be done; `type` says why.",
}

WITHOUT_ID = tuple(status for status in PROBLEMS if status != 404)
LIMITS = [
    OpenApiParameter(
        "RateLimit-Policy",
        str,
        OpenApiParameter.HEADER,
        response=[200, 429],
        description=f'Requests (q) in a window of seconds (w), where there is a limit: `"token";q=100;w={WINDOW}`.',
    ),
    OpenApiParameter(
        "RateLimit",
        str,
        OpenApiParameter.HEADER,
        response=[200, 429],
        description='How many remain (r) for how many seconds (t): `"token";r=42;t=17`.',
    ),
    OpenApiParameter("Retry-After", int, OpenApiParameter.HEADER, response=[409, 429, 503], description="In seconds."),
]


def responses(
    shape: Any, said: str, *, problems: tuple[int, ...] = WITHOUT_ID, conditional: bool = False, status: int = 200
) -> dict[Any, Any]:
    """The schema of an answer and of its errors. `conditional`: it has an ETag."""
    said_of = PROBLEMS | WRITING | MATCHING
    documents = {
        (status, CONTENT_TYPE): OpenApiResponse(ProblemSerializer, description=said_of[status]) for status in problems
    }
    unchanged = {304: OpenApiResponse(description="As the ETag in If-None-Match says.")} if conditional else {}
    return {status: OpenApiResponse(shape, description=said), **unchanged, **documents}


@dataclass(frozen=True, slots=True)
class Body:
    """An answer as it is sent, and the weak ETag of what it says."""

    content: bytes
    etag: str

    @classmethod
    def of(cls, data: Mapping[str, Any], *, leaving_out: Collection[str] = ()) -> Self:
        """`leaving_out`: names of what changes with every answer. Comparing what is said cannot be stale.

        Members are in the order of `data`, but for those, which come last.
        """
        said = written({name: value for name, value in data.items() if name not in leaving_out})
        content = said
        if leaving_out:
            content = said[:-1] + b"," + written({name: data[name] for name in leaving_out})[1:]
        return cls(content, f'W/"{hashlib.sha256(said).hexdigest()[:32]}"')


def written(data: Any) -> bytes:
    """JSON as Django REST framework renders it, of what needs no conversion."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()


def conditional(request: Request, body: Body) -> HttpResponse:
    """The answer with its ETag, or 304 where the caller has just that (RFC 9110, 13.1.2)."""
    headers = {"ETag": body.etag, "Cache-Control": CONDITIONAL}
    known = [each.removeprefix("W/") for each in parse_etags(request.headers.get("If-None-Match", ""))]
    if "*" in known or body.etag.removeprefix("W/") in known:
        # Without a Content-Type, which a cache would take for that of what it has (RFC 9111, 4.3.4).
        return HttpResponseNotModified(headers=headers | {"Vary": "Accept-Encoding"})
    return HttpResponse(body.content, headers=headers, content_type=JSON)


class Schema(AutoSchema):
    """Says of every address that takes a token which scope it needs, and how the answers tell of limits."""

    def get_override_parameters(self) -> list[Any]:
        return [*super().get_override_parameters(), *LIMITS] if hasattr(self.view, "scope") else []

    def get_extensions(self) -> dict[str, Any]:
        scope_of = getattr(self.view, "scope_of", None)
        return super().get_extensions() | ({"x-scope": scope_of(self.method).value} if scope_of else {})


class PrivateView(APIView):
    """Answers that belong to the caller alone, whose token has `scope`; for reading `reading_scope`, where another is
    enough."""

    scope: TokenScope
    reading_scope: TokenScope | None = None

    @classmethod
    def scope_of(cls, method: str | None) -> TokenScope:
        return (cls.reading_scope if method in ("GET", "HEAD") else None) or cls.scope

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        """Whoever takes anything, or JSON, needs nothing compared: there is nothing else."""
        if request.META.get("HTTP_ACCEPT", ANYTHING) in (ANYTHING, JSON):
            return JSONRenderer(), JSON
        return super().perform_content_negotiation(request, force)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.setdefault("Cache-Control", PERSONAL)
        quota: Quota | None = getattr(request, "quota", None)
        if quota:  # draft-ietf-httpapi-ratelimit-headers-10
            response["RateLimit-Policy"] = f'"token";q={quota.limit};w={WINDOW}'
            response["RateLimit"] = f'"token";r={quota.remaining};t={quota.resets_in}'
        return response


class UnknownPathView(APIView):
    """Whatever no other address matches, for any method and without a token."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise UnknownPath(f"Nothing answers at {request.path}. {DOCS} lists all addresses.")
