"""How an error is answered: a problem document (RFC 9457) that says what to do."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions, serializers

from recommender.api import unavailable
from recommender.api.errors import CONTENT_TYPE, DOCS, HOW_TO_SEND, Problem, TooMuch
from recommender.api.middleware import request_id

logger = logging.getLogger(__name__)


class ParameterErrorSerializer(serializers.Serializer[Any]):
    parameter = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """An error (RFC 9457)."""

    type = serializers.CharField(help_text="Names the kind of error; programs may rely on it.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened and what to do.")
    instance = serializers.CharField(help_text="The address that was asked.")
    request_id = serializers.CharField(help_text="The answer's X-Request-ID, which the server's log has too.")
    errors = ParameterErrorSerializer(many=True, required=False)  # type: ignore[assignment]  # not Serializer.errors
    not_understood = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Of words: the sentences that say nothing of a taste."
    )
    unsure = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text="Of words: what may be liked or disliked: `aspect`, as it may be sent with a polarity, `about`, the "
        "same in words, and the `quote`.",
    )
    lines = serializers.IntegerField(required=False, help_text="Of an import that ended early: how many are stored.")
    resume_from = serializers.IntegerField(required=False, help_text="The line to go on with, from 1.")


# What Django REST framework raises itself: type, title, and what to do where its own words do not say so.
_OWN: list[tuple[type[exceptions.APIException], str, str, str]] = [
    (exceptions.NotAuthenticated, "no-token", "A token is needed", HOW_TO_SEND),
    (exceptions.AuthenticationFailed, "token-refused", "The token was refused", ""),
    (exceptions.PermissionDenied, "not-allowed", "Not allowed", "This token may not do this. Ask a lead."),
    (exceptions.NotFound, "not-found", "Not found", f"Check the address; {DOCS} lists all addresses."),
    (exceptions.MethodNotAllowed, "method-not-allowed", "Method not allowed", ""),
    (exceptions.NotAcceptable, "not-acceptable", "Not acceptable", "Send `Accept: application/json`."),
    (exceptions.UnsupportedMediaType, "unsupported-media-type", "Unsupported media type", ""),
    (exceptions.ParseError, "bad-request", "Bad request", ""),
]


def problem_json(exc: Exception, context: dict[str, Any]) -> JsonResponse:
    """Django REST framework's exception handler. What nobody foresaw is logged and answered as a 500 problem.

    JSON whatever the view renders otherwise, and whatever the request accepts.
    """
    request = context["request"]
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, SuspiciousOperation):  # more parameters or bytes than Django reads
        exc = TooMuch()
    if not isinstance(exc, exceptions.APIException):
        logger.error("%s %s failed", request.method, request.path, exc_info=exc)
        why = unavailable.reason(exc)
        body = _away(request.path, why) if why else internal_error(request.path)
        headers = {"Retry-After": str(unavailable.AGAIN_IN)} if why else None
        return JsonResponse(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)
    body = document(exc, request.path, allowed=context["view"].allowed_methods)
    response = JsonResponse(body, status=exc.status_code, content_type=CONTENT_TYPE)
    challenge = getattr(exc, "auth_header", None)
    if challenge:
        response["WWW-Authenticate"] = challenge
    wait = getattr(exc, "wait", None)
    if wait:
        response["Retry-After"] = str(ceil(wait))
    return response


def document(exc: exceptions.APIException, path: str, *, allowed: Sequence[str] = ()) -> dict[str, Any]:
    """The problem document of a foreseen error at an address, whose methods are `allowed`."""
    return _said(exc, allowed) | {"status": int(exc.status_code)} | _of_request(path)


def foreseen(request: HttpRequest, exc: exceptions.APIException, *, allowed: Sequence[str] = ()) -> JsonResponse:
    """A foreseen error at an address that programs ask and that is none of the API's."""
    return JsonResponse(document(exc, request.path, allowed=allowed), status=exc.status_code, content_type=CONTENT_TYPE)


def internal_error(path: str) -> dict[str, Any]:
    return {
        "type": _type("internal-error"),
        "title": "Something went wrong here",
        "status": int(HTTPStatus.INTERNAL_SERVER_ERROR),
        "detail": "The server could not answer; its log says why. Try again later, or tell whoever runs it.",
        **_of_request(path),
    }


def _of_request(path: str) -> dict[str, str]:
    return {"instance": path, "request_id": request_id()}


def server_error(request: HttpRequest) -> JsonResponse:
    """A failure outside any view, at an address of the API."""
    body = internal_error(request.path)
    return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)


def not_available(request: HttpRequest, why: str) -> JsonResponse:
    """Nothing can be answered right now (`unavailable.reason`), at an address of the API."""
    body = _away(request.path, why)
    return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)


def _away(path: str, why: str) -> dict[str, Any]:
    return {
        "type": _type("unavailable"),
        "title": "Not available right now",
        "status": int(HTTPStatus.SERVICE_UNAVAILABLE),
        "detail": f"{why} Send the same again after Retry-After seconds.",
        **_of_request(path),
    }


def refused(request: HttpRequest) -> JsonResponse:
    """A request that Django itself refuses, at an address of the API: for another host, say."""
    body = {
        "type": _type("bad-request"),
        "title": "Bad request",
        "status": int(HTTPStatus.BAD_REQUEST),
        "detail": "The request was refused before it was read. Check the host it is sent to (R4_ALLOWED_HOSTS).",
        **_of_request(request.path),
    }
    return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)


def _said(exc: exceptions.APIException, allowed: Sequence[str]) -> dict[str, Any]:
    if isinstance(exc, Problem):
        return {"type": _type(exc.slug), "title": exc.title, "detail": str(exc.detail)} | dict(exc.members)
    for kind, slug, title, detail in _OWN:
        if isinstance(exc, kind):
            said = detail or str(exc.detail)
            if isinstance(exc, exceptions.MethodNotAllowed):
                said = f"{said} Allowed here: {', '.join(allowed)}."
            return {"type": _type(slug), "title": title, "detail": said}
    return {"type": _type("bad-request"), "title": "Bad request", "detail": str(exc.detail)}


def _type(slug: str) -> str:
    return f"urn:r4web:problem:{slug}"
