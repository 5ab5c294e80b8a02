"""Codes of an authenticator app: RFC 6238 with what every app can do, SHA-1, six digits, 30 seconds. Pure."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import quote, urlencode

SECONDS, DIGITS = 30, 6
DRIFT = 1  # steps that an app's clock may be off, either way
SECRET_BYTES = 20  # RFC 4226 recommends 160 bits


def new_secret() -> str:
    """In base32, as apps read it."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def code_of(secret: str, step: int) -> str:
    """The code of a time step (Unix seconds // SECONDS)."""
    digest = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(secret: str, code: str, *, now: float, after: int = 0) -> int | None:
    """The time step that a code is of, about now and later than `after`; None: it is wrong, or was used."""
    present = int(now // SECONDS)
    found = None
    for step in range(present - DRIFT, present + DRIFT + 1):  # all of them: how long it takes says nothing
        if hmac.compare_digest(code_of(secret, step).encode(), code.encode()) and step > after:
            found = step
    return found


def address_of(secret: str, *, account: str, issuer: str) -> str:
    """What the picture says that apps read."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"
