"""`Authorization: Bearer <key>`: who is asking, how often, and whether the token may do it."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from recommender.accounts import quota, tokens
from recommender.api.errors import HOW_TO_SEND, InvalidBody, ScopeMissing, TooManyRequests
from recommender.models import Account, ApiToken, Role, TokenScope

SCHEME = b"bearer"


class TokenAuthentication(BaseAuthentication):
    """`request.user` is the token's account, `request.auth` the token, `request.quota` what it may still send.

    Cookies open nothing here, so no CSRF check.
    """

    def authenticate(self, request: Request) -> tuple[Account, ApiToken] | None:
        sent = get_authorization_header(request).split()
        if not sent:
            return None
        if sent[0].lower() != SCHEME or len(sent) != 2:
            raise AuthenticationFailed(f"The Authorization header cannot be read. {HOW_TO_SEND}")
        key = sent[1].decode("latin-1")
        _within(quota.spent(tokens.digest_of(key)), request)
        try:
            token = tokens.recognise(key)
        except tokens.TokenRefusedError as refusal:
            raise AuthenticationFailed(str(refusal)) from refusal
        _within(quota.count(token), request)
        return token.created_by, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="R4Web"'


class HasScope(BasePermission):
    """The token has the scope that the view names for the method, and its account may do what that opens."""

    def has_permission(self, request: Request, view: Any) -> bool:
        require(request, view.scope_of(request.method))
        return True


def require(request: Request, scope: TokenScope) -> None:
    """Raises ScopeMissing; PermissionDenied where its account may not do that, as one whose role was changed since."""
    token = asker_of(request)
    if scope not in token.scopes:
        raise ScopeMissing(scope)
    if scope.is_for_leads and token.created_by.role != Role.LEAD:
        raise PermissionDenied


def charge(request: Request, requests: int) -> None:
    """Count what a request asks for beyond one. Raises TooManyRequests; InvalidBody where no minute has room for it."""
    known: quota.Quota | None = getattr(request, "quota", None)
    if known and requests >= known.limit:
        raise InvalidBody(
            f"It counts as {requests + 1} requests, and this token may send {known.limit} a minute: send it in parts."
        )
    if requests > 0:
        _within(quota.count(asker_of(request), requests), request)


def asker_of(request: Request) -> ApiToken:
    """The token that a request came with, its account loaded."""
    assert isinstance(request.auth, ApiToken)
    return request.auth


def _within(known: quota.Quota | None, request: Request) -> None:
    """Keep it for the answer's headers. Raises TooManyRequests."""
    request.quota = known  # type: ignore[attr-defined]
    if known and known.is_exceeded:
        raise TooManyRequests(known)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A key made by `manage.py create_token` or by a lead on the tokens page.",
        }
