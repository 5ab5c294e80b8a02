"""What annotators decide. A decision is appended and applied in one transaction, and never changed afterwards."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import assert_never

from django.db import transaction

from recommender.models import Account, Judgement, Round, Turn
from recommender.rounds.core import drafts as filtering
from recommender.rounds.queries import proposed, turn_values
from recommender.rounds.service import RoundNotRestingError
from reviews.choices import Verdict
from reviews.models import Decision, Review, ReviewState, Slot
from reviews.room import leases, verdicts
from reviews.room.leases import Stale, StaleReviewError
from reviews.room.verdicts import About, Writing


@dataclass(frozen=True, slots=True)
class Seen:
    """What was on the annotator's screen: the review's version, how many turns, the proposal's SHA-256.

    Of a filtered round the first kept draft's; empty where no draft is kept.
    """

    version: int
    turns: int
    text_hash: str


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision, and the slot to go on with, already taken: the next review's, or None when no work is left; the
    same review's while its drafts are being chosen."""

    decision: Decision
    next: Slot | None


@transaction.atomic
def decide(
    review: Review,
    *,
    account: Account,
    verdict: Verdict | str,
    seen: Seen,
    lease_token: str,
    text: str = "",
    reason: str = "",
    draft: int | None = None,
    judgement: Judgement = Judgement.NOT_REASONABLE,
    now: datetime,
) -> Decided:
    """Decide a review on what was seen, and take the next one. What each verdict does stands in room.verdicts.

    `text`: the edited rationale, or the critique of an override. Of a filtered round `draft` is the index of the turn
    that the verdict is about, and `judgement` what the annotator judges it to be. Raises StaleReviewError, with nothing
    changed, when the review is not as it was seen or somebody else holds it; ValueError for an unknown verdict.
    """
    review = Review.objects.select_for_update().select_related("round").get(pk=review.pk)
    given = verdicts.find(review.round.strategy, verdict, judgement)
    if given is None:
        raise ValueError(f"There is no verdict {verdict!r} here.")
    slot = _slot_in_hand(review, account, lease_token, now)
    kept = _as_seen(review, seen)
    about = _about(review.round, given.about, kept, draft)
    try:
        made = given.write(Writing(review.round, about, kept, text, account))
    except RoundNotRestingError as error:
        raise StaleReviewError(Stale.AWAITING_ACTOR) from error
    decision = Decision.objects.create(
        review=review,
        slot=slot,
        account=account,
        verdict=given.name,
        turn=about,
        made_turn=made,
        reason=reason,
        seen=asdict(seen),
    )
    _change(review, given.state_after, now)
    if given.state_after == ReviewState.OPEN:
        return Decided(decision, leases.take(review, account=account, now=now))
    leases.release(review)
    return Decided(decision, leases.take_next(account, now=now))


@transaction.atomic
def reopen(review: Review, *, account: Account, now: datetime) -> bool:
    """Put a decided review back in the hands of `account`. What is in force stays so until the next decision."""
    review = Review.objects.select_for_update().get(pk=review.pk)
    if review.state != ReviewState.DONE:
        return False
    _change(review, ReviewState.OPEN, now)
    leases.take(review, account=account, now=now)
    return True


def _change(review: Review, state: ReviewState, now: datetime) -> None:
    review.state = state
    review.closed_at = now if state == ReviewState.DONE else None
    review.version += 1
    review.save(update_fields=["state", "closed_at", "version"])


def _slot_in_hand(review: Review, account: Account, lease_token: str, now: datetime) -> Slot:
    if review.state == ReviewState.DONE:
        raise StaleReviewError(Stale.DECIDED)
    if review.state == ReviewState.AWAITING_ACTOR:
        raise StaleReviewError(Stale.AWAITING_ACTOR)
    slots = Slot.objects.select_for_update(of=("self",)).filter(review=review).order_by("number")
    mine = slots.filter(leased_by=account, lease_token=lease_token).exclude(lease_token="").first()
    slot = mine or slots.free(now).first()
    if slot is None:
        raise StaleReviewError(Stale.HELD)
    return slot


def _as_seen(review: Review, seen: Seen) -> list[Turn]:
    """What is proposed: one rationale, or the kept drafts of a filtered round, maybe none."""
    kept = proposed(review.round)
    now_there = (review.version, review.round.turns.count(), kept[0].text_hash if kept else "")
    if now_there != (seen.version, seen.turns, seen.text_hash):
        raise StaleReviewError(Stale.CHANGED)
    return kept


def _about(round_: Round, about: About, kept: list[Turn], draft: int | None) -> Turn:
    """The rationale that a decision names. Raises StaleReviewError where it is not there any more."""
    match about:
        case About.PROPOSAL:
            turn = kept[0] if kept else None
        case About.DRAFT:
            turn = next((each for each in _drafts(round_) if each.index == draft), None)
        case About.EVERYTHING:
            turn = (kept or _drafts(round_))[0]
        case _:
            assert_never(about)
    if turn is None:
        raise StaleReviewError(Stale.CHANGED)
    return turn


def _drafts(round_: Round) -> list[Turn]:
    """The latest texts of a filtered round's drafts, in the order they were sampled."""
    turns = {turn.index: turn for turn in round_.turns.order_by("index")}
    return [turns[draft.index] for draft in filtering.of(turn_values(list(turns.values())))]
