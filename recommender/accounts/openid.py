"""Signing in by an OpenID provider: the authorization code flow with PKCE, state and nonce, by Authlib.

The provider only says who somebody is. An account that a lead gave the e-mail address which the provider verified is
joined to that person at their first sign-in; from then on the person counts and not the address. Nobody gets an account
or a role from outside.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from recommender.accounts import audit
from recommender.models import Account, AuditEvent, OutsideIdentity

PATIENCE = 5  # seconds for each answer of the provider
AT_ONCE = 2  # threads that ask it, of the four that answer requests
METADATA = "/.well-known/openid-configuration"
NAME = "r4web"  # of what Authlib keeps in a session

log = logging.getLogger(__name__)
_line = threading.BoundedSemaphore(AT_ONCE)


class OutsideError(Exception):
    """Nobody was let in; the message may be shown. `status`: of the answer."""

    def __init__(self, message: str, *, status: int = 403) -> None:
        super().__init__(message)
        self.status = status


def name() -> str:
    """What the provider is called; empty where there is none."""
    is_on = settings.OIDC_ISSUER and settings.OIDC_CLIENT_ID and settings.OIDC_CLIENT_SECRET
    return str(settings.OIDC_NAME) if is_on else ""


def begin(request: HttpRequest, back: str) -> HttpResponse:
    """Send the browser to the provider, which sends it on to `back`, a whole address. Raises OutsideError."""
    with _asking():
        return _client().authorize_redirect(request, back)  # type: ignore[no-any-return]


def finish(request: HttpRequest) -> Account:
    """The open account of whom the provider sent back with this request. Raises OutsideError."""
    with _asking():
        client = _client()
        issuer = {"iss": {"essential": True, "values": [client.load_server_metadata()["issuer"]]}}
        token = client.authorize_access_token(request, claims_options=issuer)
        claims = dict(token["userinfo"])  # of the ID token, whose signature and nonce were checked
        if not _is_ours(claims["iss"]):
            raise ValueError("another issuer")
        if "email" not in claims and "userinfo_endpoint" in client.server_metadata:
            more = client.userinfo(token=token)
            if more["sub"] != claims["sub"]:
                raise ValueError("another subject")
            claims = {**more, **claims}
    account = _account_of(claims)
    if not account.is_active:
        raise _refused("This account is closed. A lead can open it again.", account)
    return account


def _client() -> Any:
    from authlib.integrations.django_client import OAuth  # noqa: PLC0415 - half a second that most never need

    return OAuth().register(
        NAME,
        client_id=settings.OIDC_CLIENT_ID,
        client_secret=settings.OIDC_CLIENT_SECRET,
        server_metadata_url=settings.OIDC_ISSUER.rstrip("/") + METADATA,
        client_kwargs={"scope": "openid email", "code_challenge_method": "S256", "default_timeout": PATIENCE},
    )


@contextmanager
def _asking() -> Iterator[None]:
    """Hold one of few places, so that a provider that is slow takes no thread from everybody else.

    Whatever goes wrong becomes an OutsideError in words; the log says what it was, without what was sent.
    """
    if not _line.acquire(blocking=False):
        raise OutsideError(f"Many people are signing in with {name()} at this moment. Try again.", status=503)
    try:
        import requests  # noqa: PLC0415 - as Authlib
        from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415
        from joserfc.errors import JoseError  # noqa: PLC0415

        try:
            yield
        except requests.RequestException as error:
            log.warning("The OpenID provider does not answer: %s", type(error).__name__)
            raise OutsideError(
                f"{name()} does not answer. Try again, or sign in with your password.", status=502
            ) from None
        except (AuthlibBaseError, JoseError, KeyError, TypeError, ValueError, RuntimeError) as error:
            log.warning("The OpenID provider's answer was refused: %s", type(error).__name__)
            audit.record(AuditEvent.OUTSIDE_REFUSED, details=type(error).__name__)
            raise OutsideError(f"Signing in with {name()} did not work. Begin again.") from None
    finally:
        _line.release()


def _account_of(claims: Mapping[str, Any]) -> Account:
    """Of this person, or of the verified e-mail address where nobody is joined to the account yet."""
    issuer, subject = settings.OIDC_ISSUER, str(claims["sub"])
    known = OutsideIdentity.objects.filter(issuer=issuer, subject=subject).select_related("account").first()
    if known is not None:
        return known.account
    email = str(claims.get("email") or "")
    verified = claims.get("email_verified")
    if not email or not (verified is True or verified == "true"):
        raise _refused(f"{name()} does not say that you have a verified e-mail address, so no account can be found.")
    found = list(Account.objects.filter(email__iexact=email)[:2])
    if len(found) != 1:
        raise _refused(f"No account here has the e-mail address {email}. Ask a lead to give it to yours.")
    account = found[0]
    try:
        with transaction.atomic():
            OutsideIdentity.objects.create(account=account, issuer=issuer, subject=subject)
            audit.record(AuditEvent.OUTSIDE_LINKED, about=account, details=name(), by=account)
    except IntegrityError:
        raise _refused(
            f"The account with the e-mail address {email} belongs to somebody else at {name()}. A lead can give it "
            "the address anew.",
            account,
        ) from None
    return account


def _refused(words: str, account: Account | None = None) -> OutsideError:
    audit.record(AuditEvent.OUTSIDE_REFUSED, about=account or "", details=name())
    return OutsideError(words)


def _is_ours(issuer: str) -> bool:
    """Whether it is the issuer that the settings name; a slash at the end makes no difference."""
    return issuer.rstrip("/") == str(settings.OIDC_ISSUER).rstrip("/")
