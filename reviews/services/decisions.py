"""What annotators decide. A decision is appended and applied in one transaction, and never changed afterwards."""

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction

from recommender.models import Account, Round, Turn
from recommender.selectors.rounds import proposal
from recommender.services import knowledge, rounds
from recommender.services.rounds import RoundNotRestingError
from reviews.models import Decision, DecisionVerdict, Review, ReviewState, Slot
from reviews.services import claims
from reviews.services.claims import Stale, StaleReviewError


@dataclass(frozen=True, slots=True)
class Seen:
    """What was on the annotator's screen: the review's version, how many turns, the proposal's SHA-256."""

    version: int
    turns: int
    text_hash: str


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision, and the slot of the next review, already claimed (None: no work left)."""

    decision: Decision
    next: Slot | None


@transaction.atomic
def decide(
    review: Review,
    *,
    account: Account,
    verdict: DecisionVerdict,
    seen: Seen,
    lease_token: str,
    text: str = "",
    reason: str = "",
    now: datetime,
) -> Decided:
    """Decide a review on what was seen, and claim the next one.

    `text`: the edited rationale, or the critique of an override. Raises StaleReviewError, with nothing changed, when
    the review is not as it was seen or somebody else holds it.

    approve: the proposal is put in force. edit: the annotator's text becomes a turn and is put in force. override:
    their critique becomes a turn, the loop goes on from it, and the review comes back when the round rests again.
    reject: nothing is put in force; the proposal is shown to nobody, and taken out of force if it was.
    """
    review = Review.objects.select_for_update().select_related("round").get(pk=review.pk)
    slot = _slot_in_hand(review, account, lease_token, now)
    proposed = _proposal_as_seen(review, seen)

    try:
        made = _apply(review.round, verdict, proposed, text=text, account=account)
    except RoundNotRestingError as error:
        raise StaleReviewError(Stale.AWAITING_ACTOR) from error
    decision = Decision.objects.create(
        review=review,
        slot=slot,
        account=account,
        verdict=verdict,
        turn=proposed,
        made_turn=made,
        reason=reason,
        seen=asdict(seen),
    )
    goes_on = verdict == DecisionVerdict.OVERRIDE
    review.state = ReviewState.AWAITING_ACTOR if goes_on else ReviewState.DONE
    review.closed_at = None if goes_on else now
    review.version += 1
    review.save(update_fields=["state", "closed_at", "version"])
    review.slots.update(leased_by=None, lease_token="", lease_expires_at=None)
    return Decided(decision, claims.claim_next(account, now=now))


@transaction.atomic
def reopen(review: Review, *, account: Account, now: datetime) -> bool:
    """Put a decided review back in the hands of `account`. What is in force stays so until the next decision."""
    review = Review.objects.select_for_update().get(pk=review.pk)
    if review.state != ReviewState.DONE:
        return False
    review.state = ReviewState.OPEN
    review.closed_at = None
    review.version += 1
    review.save(update_fields=["state", "closed_at", "version"])
    claims.claim(review, account=account, now=now)
    return True


def _apply(round_: Round, verdict: DecisionVerdict, proposed: Turn, *, text: str, account: Account) -> Turn | None:
    """Do what the verdict says; returns the turn that it made."""
    match verdict:
        case DecisionVerdict.APPROVE:
            knowledge.accept(proposed)
        case DecisionVerdict.EDIT:
            edit = rounds.add_edit(round_, about=proposed, text=text, account=account)
            knowledge.accept(edit)
            return edit
        case DecisionVerdict.OVERRIDE:
            return rounds.add_override(round_, about=proposed, critique=text, account=account)
        case DecisionVerdict.REJECT:
            knowledge.reject(proposed)
    return None


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


def _proposal_as_seen(review: Review, seen: Seen) -> Turn:
    proposed = proposal(review.round)
    now_there = (review.version, review.round.turns.count(), proposed.text_hash if proposed else "")
    if proposed is None or now_there != (seen.version, seen.turns, seen.text_hash):
        raise StaleReviewError(Stale.CHANGED)
    return proposed
