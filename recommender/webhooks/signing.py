"""Secrets and signatures as Standard Webhooks 1.0.0 has them (github.com/standard-webhooks/standard-webhooks, spec/).

A secret must be readable to sign with, so it is encrypted: a copy of the database signs nothing.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from recommender import sealed

PURPOSE = "recommender.webhooks.signing"
PREFIX = "whsec_"
SECRET_BYTES = 32  # the specification asks for 24 to 64


def new_secret() -> str:
    """What the receiver is told, once."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def encrypted(secret: str) -> str:
    return sealed.sealed(secret, purpose=PURPOSE)


def decrypted(stored: str) -> str:
    """Raises sealed.UnreadableSecretError."""
    return sealed.opened(stored, purpose=PURPOSE)


def signature(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed with the bytes that the secret stands for."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed.digest()).decode()}"


def headers(signing: Sequence[str], webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt: `signing` are the secrets that are valid, the newest first."""
    each = (signature(secret, webhook_id, timestamp, body) for secret in signing)
    return {"webhook-id": webhook_id, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(each)}
