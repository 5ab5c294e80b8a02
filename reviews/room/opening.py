"""A round that rests with a proposal is put before people."""

from django.db import transaction
from django.db.models import F

from recommender.models import Round
from reviews.models import Review, ReviewState, Slot


@transaction.atomic
def open_review(round_: Round) -> Review:
    """The round's review, open. Safe to call every time a round rests.

    A new one gets its slot; one that awaited the actor opens again with a new version, so that what was on somebody's
    screen before is stale; a decided one stays decided.
    """
    review, created = Review.objects.get_or_create(round=round_)
    if created:
        Slot.objects.create(review=review)
        return review
    awaiting = Review.objects.filter(pk=review.pk, state=ReviewState.AWAITING_ACTOR)
    if awaiting.update(state=ReviewState.OPEN, version=F("version") + 1):
        review.refresh_from_db()
    return review
