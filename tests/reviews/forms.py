"""What a browser sends to the review pages."""

from typing import Any

from django.test import Client
from django.urls import reverse

from recommender.models import Account
from reviews.models import Review
from reviews.room.card import card
from tests.reviews.conftest import NOON

HTMX = {"HX-Request": "true"}
POSTS = ("decide", "skip", "claim", "release", "renew", "reopen", "keep_unsent", "discard_unsent")


def url(name: str, review: Review | None = None) -> str:
    return reverse(f"reviews:{name}", args=[review.pk] if review else [])


def start(client: Client) -> str:
    """Claim the next review; the address of its card."""
    response = client.post(url("start"))
    assert response.status_code == 302
    return str(response["Location"])


def form(review: Review, viewer: Account, **fields: str) -> dict[str, Any]:
    """What the card's form sends."""
    shown = card(review.pk, viewer=viewer, now=NOON)
    slot = review.slots.get()
    assert shown.proposal is not None
    return {
        "lease_token": slot.lease_token,
        "version": shown.review.version,
        "turns": len(shown.turns),
        "text_hash": shown.proposal.text_hash,
        "text": shown.proposal.text.replace("\n", "\r\n"),
        "critique": "",
        "reason": "",
    } | fields
