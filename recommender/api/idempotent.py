"""`Idempotency-Key` for whatever writes: the same request again gets the first one's answer.

class EventsView(PrivateView):
    @idempotent
    def post(self, request: Request, catalog: str) -> Response: ...
"""

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.accounts import idempotency
from recommender.accounts.idempotency import Answered
from recommender.accounts.visible import catalogs_of
from recommender.api import bodies
from recommender.api.authentication import asker_of
from recommender.api.errors import InProgress, InvalidKey, KeyReused
from recommender.models import IdempotencyKey

HEADER = "Idempotency-Key"
AGAIN = "Idempotent-Replayed"
_QUOTED, _BARE = r"[ !#-\[\]-~]{1,255}", r"[!#-\[\]-~]{1,255}"
_KEY = re.compile(f'"({_QUOTED})"|({_BARE})')
KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "pattern": f'^("{_QUOTED}"|{_BARE})$'},
    OpenApiParameter.HEADER,
    description="Your own name of this request, best a UUID. The same request again with it gets the first one's "
    "answer, for 24 hours; another one is an error.",
)

Post = Callable[..., Any]


def idempotent(post: Post) -> Post:
    """Wrap a view's method: what it answered without an error is kept, and whatever failed may be sent again."""

    @wraps(post)
    def answer(view: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
        key = key_of(request)
        if key is None or not _opens(request, kwargs.get("catalog")):
            return post(view, request, *args, **kwargs)
        fingerprint = fingerprint_of(request, bodies.read(request))
        row = begin(request, key, fingerprint)
        if isinstance(row, Answered):
            return again(row)
        try:
            response: Response = post(view, request, *args, **kwargs)
        except BaseException:
            idempotency.release(row)
            raise
        content = JSONRenderer().render(response.data).decode()
        idempotency.finish(row, Answered(fingerprint, response.status_code, "application/json", content))
        return response

    return answer


def _opens(request: Request, catalog: str | None) -> bool:
    """Whether the catalog is there for the token now: what was answered of one that it lost is told no more."""
    if catalog is None:
        return True
    return "\x00" not in catalog and catalogs_of(asker_of(request)).filter(name=catalog).exists()


def key_of(request: Request) -> str | None:
    """Raises InvalidKey."""
    sent = request.headers.get(HEADER)
    if sent is None:
        return None
    found = _KEY.fullmatch(sent.strip())
    if found is None:
        raise InvalidKey
    return found[1] or found[2]


def fingerprint_of(request: Request, body: bytes) -> str:
    return hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode() + body).hexdigest()


def begin(request: Request, key: str, fingerprint: str = "") -> IdempotencyKey | Answered:
    """Raises KeyReused or InProgress."""
    try:
        return idempotency.begin(asker_of(request), key, fingerprint)
    except idempotency.OtherRequestError:
        raise KeyReused from None
    except idempotency.UnderWayError as under_way:
        raise InProgress(under_way.seconds) from None


def again(answered: Answered) -> HttpResponse:
    response = HttpResponse(answered.content, status=HTTPStatus(answered.status), content_type=answered.content_type)
    response[AGAIN] = "true"
    return response
