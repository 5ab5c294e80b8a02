"""A round that rests with a proposal is put before people."""

from django.db import transaction
from django.db.models import F, Prefetch
from django.utils import timezone

from recommender.models import Round, Turn
from recommender.rounds import queries
from recommender.statements import service as statements
from reviews.choices import kind_of
from reviews.models import Review, ReviewState, Slot
from reviews.room import first
from reviews.room.concern import Concerns, concerns_of

CONCERNS = ("concern", "concern_words", "findings")  # columns


def open_review(round_: Round) -> Review:
    """The round's review, open, with the statements of what it proposes. Safe to call every time a round rests.

    A new one gets its slot; one that awaited the actor opens again with a new version, so that what was on somebody's
    screen before is stale; a decided one stays decided.
    """
    turns = Turn.objects.select_related("about").order_by("index")  # as they are now: a worker read its round before
    as_it_is = Round.objects.select_related("catalog", "item", "end_user").prefetch_related(Prefetch("turns", turns))
    round_ = as_it_is.get(pk=round_.pk)
    if round_.is_for_knowledge:
        statements.read(queries.proposed(round_))  # the others within the next minutes: nobody sees those first
    return _open(round_)


@transaction.atomic
def _open(round_: Round) -> Review:
    fresh = Review(round=round_, catalog_id=round_.catalog_id, kind=kind_of(round_), opened_at=timezone.now())
    concerns = concerns_of(round_) if round_.is_for_knowledge else Concerns()
    _take_over(fresh, concerns)
    values = {name: getattr(fresh, name) for name in ("catalog_id", "kind", "opened_at", *CONCERNS)}
    review, created = Review.objects.get_or_create(round=round_, defaults={**values, "place": fresh.place_now()})
    if created:
        Slot.objects.create(review=review)
        return review
    if review.state == ReviewState.AWAITING_ACTOR:
        reopen(review, concerns=concerns)
    return review


def reopen(review: Review, *, concerns: Concerns | None = None) -> bool:
    """Open a review that is as it was read, and free, with a new version. False: it has changed meanwhile."""
    before = {"state": review.state, "version": review.version}
    review.state, review.closed_at, review.version = ReviewState.OPEN, None, review.version + 1
    if concerns is not None:
        _take_over(review, concerns)
    review.place = review.place_now(since=first.since(review))
    columns = ("state", "closed_at", "version", *CONCERNS, "place")
    opened = Review.objects.filter(pk=review.pk, **before).update(**{name: getattr(review, name) for name in columns})
    if opened:
        # Whoever decided it held it; a hold means nothing while a review is not open.
        Slot.objects.filter(review=review).update(leased_by=None, lease_token="", lease_expires_at=None)
    return bool(opened)


def changed(review: Review) -> None:
    """A point of its text was changed, struck or added: whoever decides on an earlier sight of it is told so first."""
    Review.objects.filter(pk=review.pk).update(version=F("version") + 1)
    review.version += 1


def _take_over(review: Review, concerns: Concerns) -> None:
    review.concern, review.concern_words, review.findings = concerns.gravest, concerns.words, concerns.findings
