"""Texts are read again by a newer reader beside people: nothing changes under the eyes of whoever holds a review, or
after somebody decided about the text; an open review comes with what the evidence says of the new reading."""

from collections.abc import Callable

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import Now

from recommender.models import Catalog, Round, Turn
from recommender.rounds import queries
from recommender.statements import again
from reviews.choices import Concern, ReviewState
from reviews.models import Decision, Review, Slot
from reviews.room import opening
from reviews.room.concern import Concerns, concerns_of

_OPEN = Slot.objects.filter(review__round=OuterRef("round"), review__state=ReviewState.OPEN)
_HELD = Exists(_OPEN.filter(lease_expires_at__gt=Now()))
_DECIDED = Exists(Decision.objects.filter(turn=OuterRef("pk")))  # perhaps by the first of two


def stale(catalog: Catalog | None = None, *, decided: bool = False) -> QuerySet[Turn]:
    """Texts to be read again. `decided`: those too that people decided about, where nobody changed what they state."""
    return again.stale(catalog, decided=decided, apart=Q(_HELD) if decided else _HELD | _DECIDED)


def read_stale(texts: QuerySet[Turn], *, most: int | None = None, step: Callable[[int], None] = lambda _: None) -> int:
    """Read them again; returns how many. It may be stopped and go on at any time. `step` is told how many are done."""
    return again.read_stale(texts, most=most, step=step, before=_lock, after=_renew)


def _lock(turn: Turn) -> None:
    """As who decides does first."""
    Review.objects.select_for_update().filter(round=turn.round_id).first()


def _renew(turn: Turn) -> None:
    """The text's open review, with a new version: what was on somebody's screen is stale."""
    review = Review.objects.filter(round=turn.round_id, state=ReviewState.OPEN).first()
    if review is None:
        return
    turns = Turn.objects.select_related("about").order_by("index")
    as_it_is = Round.objects.select_related("catalog", "item", "end_user").prefetch_related(Prefetch("turns", turns))
    round_ = as_it_is.get(pk=turn.round_id)
    if turn.pk not in {one.pk for one in queries.proposed(round_)}:
        return
    concerns = concerns_of(round_)
    if review.concern in (Concern.DISPUTED, Concern.SAID):  # a person's word comes first
        concerns = Concerns(Concern(review.concern), concerns.words, concerns.findings)
    opening.reopen(review, concerns=concerns)
