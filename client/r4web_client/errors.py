"""What can go wrong, each with its code, the request's id and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from r4web_client.answers import ParameterError

URN = "urn:r4web:problem:"


class R4WebError(Exception):
    """Whatever this client raises."""


class UnreachedError(R4WebError):
    """No answer came, however often it was asked; `__cause__` is httpx2's error.

    Whether the server did what it was asked is not known. Sending the same call again is safe, if it is `repeatable`.
    """

    def __init__(self, address: str, tries: int, why: Exception) -> None:
        super().__init__(f"{address} gave no answer in {tries} tries: {why or type(why).__name__}")
        self.tries = tries


class ProblemError(R4WebError):
    """An answer that says no. `code` is the end of the problem's type, which stays; `detail` says what to do.

    `status`: of HTTP. `request_id`: what the server's log calls the request. `errors`: each wrong parameter.
    `retry_after`: seconds to wait, where the server said so. `document`: the whole problem (RFC 9457).
    """

    def __init__(self, status: int, document: Mapping[str, Any], *, retry_after: float | None = None) -> None:
        self.status, self.document, self.retry_after = status, document, retry_after
        self.code = str(document.get("type", "")).removeprefix(URN) or f"http-{status}"
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", ""))
        self.request_id = str(document.get("request_id", ""))
        self.errors = cast("list[ParameterError]", document.get("errors", []))
        told = f", request {self.request_id}" if self.request_id else ""
        super().__init__(f"{self.detail or self.title} [{status} {self.code}{told}]")


class InvalidError(ProblemError):
    """400, 405, 406, 413, 415, 422: the request is wrong, and stays so."""


class TokenRefusedError(ProblemError):
    """401: no token, or an unknown, expired or revoked one."""


class NotAllowedError(ProblemError):
    """403: the token lacks the scope, or its account the role."""


class NotFoundError(ProblemError):
    """404: nothing has this name or id, or it is in a catalog that the token does not open."""


class GoneError(ProblemError):
    """410: erased, or a text that people rejected. An erasure that was sent again is answered so, too."""


class ConflictError(ProblemError):
    """409: what it is about does not allow it now; `detail` says why."""


class UnderWayError(ConflictError):
    """409 `in-progress`: the request with this idempotency key is still being answered."""


class ChangedError(ProblemError):
    """412: it has changed since it was read."""


class TooManyRequestsError(ProblemError):
    """429: the token's requests of this minute are used up."""


class UnavailableError(ProblemError):
    """502, 503, 504: the server or its database is away, busy or full. Nothing was stored."""


class ServerError(ProblemError):
    """Any other 5xx: the server's log says why, under `request_id`."""


BY_STATUS: dict[int, type[ProblemError]] = {
    401: TokenRefusedError,
    403: NotAllowedError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    412: ChangedError,
    429: TooManyRequestsError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}


def problem(status: int, content: bytes, *, retry_after: float | None) -> ProblemError:
    """Of an answer that is no success. One without a problem document comes from a server before R4Web."""
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        document = {"title": content[:200].decode(errors="replace").strip() or "An answer without words"}
    kind = BY_STATUS.get(status, ServerError if status >= 500 else InvalidError)
    if status == 409 and document.get("type") == f"{URN}in-progress":
        kind = UnderWayError
    return kind(status, document, retry_after=retry_after)
