"""Secrets that must be readable again, encrypted under keys made from R4_SECRET_KEY: a copy of the database opens none.

What encrypts takes 7 MB, and few processes ever meet a secret: it is loaded with the first one.
"""

import base64
from typing import TYPE_CHECKING

from django.utils.crypto import salted_hmac

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


class UnreadableSecretError(Exception):
    """The secret was encrypted under another R4_SECRET_KEY; the message may be shown."""

    def __init__(self) -> None:
        super().__init__("The secret was encrypted under another R4_SECRET_KEY: make a new one.")


def sealed(secret: str, *, purpose: str) -> str:
    """`purpose`: each has a key of its own."""
    return _cipher(purpose).encrypt(secret.encode()).decode()


def opened(stored: str, *, purpose: str) -> str:
    """Raises UnreadableSecretError."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415

    try:
        return _cipher(purpose).decrypt(stored.encode()).decode()
    except InvalidToken:
        raise UnreadableSecretError from None


def _cipher(purpose: str) -> "Fernet":
    from cryptography.fernet import Fernet  # noqa: PLC0415

    return Fernet(base64.urlsafe_b64encode(salted_hmac(purpose, "secret", algorithm="sha256").digest()))
