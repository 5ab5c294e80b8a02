"""What changes reviews: opening, claiming, deciding."""

from reviews.services.claims import LEASE, Stale, StaleReviewError, claim, claim_next, release, renew, skip, unskip
from reviews.services.decisions import Decided, Seen, decide, reopen
from reviews.services.opening import open_review

__all__ = [
    "LEASE",
    "Decided",
    "Seen",
    "Stale",
    "StaleReviewError",
    "claim",
    "claim_next",
    "decide",
    "open_review",
    "release",
    "renew",
    "reopen",
    "skip",
    "unskip",
]
