"""Since when a text comes before all others: since somebody first objected to it, or its user said something."""

from datetime import datetime

from recommender.knowledge import disputes
from recommender.statements import own
from reviews.choices import Concern
from reviews.models import Review


def since(review: Review) -> datetime | None:
    """Of an open objection the oldest, or of what waits of the user's own words; None where neither brings it first.

    One query where something does.
    """
    if review.concern == Concern.DISPUTED:
        return disputes.undecided(review.round).values_list("created_at", flat=True).first()
    if review.concern == Concern.SAID:
        theirs = own.waiting().filter(end_user=review.round.end_user_id)
        return theirs.values_list("created_at", flat=True).first()
    return None
