"""`Authorization: Bearer <key>`: who is asking."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from recommender.accounts.tokens import TokenRefusedError, recognise
from recommender.models import Account, ApiToken

SCHEME = b"bearer"
HOW_TO_SEND = "Send a token in the header `Authorization: Bearer <key>`."


class TokenAuthentication(BaseAuthentication):
    """`request.user` is the token's account, `request.auth` the token. Cookies open nothing here, so no CSRF check."""

    def authenticate(self, request: Request) -> tuple[Account, ApiToken] | None:
        sent = get_authorization_header(request).split()
        if not sent:
            return None
        if sent[0].lower() != SCHEME or len(sent) != 2:
            raise AuthenticationFailed(f"The Authorization header cannot be read. {HOW_TO_SEND}")
        try:
            token = recognise(sent[1].decode("latin-1"))
        except TokenRefusedError as refusal:
            raise AuthenticationFailed(str(refusal)) from refusal
        return token.created_by, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="R4Web"'


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A key made by `manage.py create_token` or by a lead on the tokens page.",
        }
