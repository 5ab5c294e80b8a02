"""What annotators decide. A decision is appended and applied in one transaction, and never changed afterwards."""

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction

from recommender.knowledge.service import accept, reject
from recommender.models import Account, Judgement, Round, Strategy, Turn, TurnKind
from recommender.rounds.core import drafts as filtering
from recommender.rounds.queries import proposed, turn_values
from recommender.rounds.service import RoundNotRestingError, add_edit, add_override, judge_draft
from reviews.models import Decision, Review, ReviewState, Slot, Verdict
from reviews.room import leases
from reviews.room.leases import Stale, StaleReviewError

ABOUT_ONE_DRAFT = (Verdict.EDIT, Verdict.OVERRIDE)  # in a filtered round


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
    """The decision, and the slot to go on with, already claimed: the next review's, or None when no work is left; the
    same review's while its drafts are being chosen."""

    decision: Decision
    next: Slot | None


@transaction.atomic
def decide(
    review: Review,
    *,
    account: Account,
    verdict: Verdict,
    seen: Seen,
    lease_token: str,
    text: str = "",
    reason: str = "",
    draft: int | None = None,
    judgement: Judgement = Judgement.NOT_REASONABLE,
    now: datetime,
) -> Decided:
    """Decide a review on what was seen, and claim the next one.

    `text`: the edited rationale, or the critique of an override. Raises StaleReviewError, with nothing changed, when
    the review is not as it was seen or somebody else holds it.

    approve: the proposal is put in force. edit: the annotator's text becomes a turn and is put in force. override:
    their critique becomes a turn, the loop goes on from it, and the review comes back when the round rests again.
    reject: nothing is put in force; the proposal is shown to nobody, and taken out of force if it was.

    In a filtered round approve and reject are about all kept drafts. Override and edit are about the one whose turn has
    the index `draft`: the annotator's `judgement` drops or restores it, their text takes its place. Both leave the
    review open and in hand, since nothing is put in force by them.
    """
    review = Review.objects.select_for_update().select_related("round").get(pk=review.pk)
    slot = _slot_in_hand(review, account, lease_token, now)
    kept = _as_seen(review, seen)
    filters = review.round.strategy == Strategy.FILTER
    about = _about(review.round, kept, verdict, draft)

    try:
        if filters:
            made = _apply_to_drafts(
                review.round, verdict, about, kept=kept, text=text, judgement=judgement, account=account
            )
        else:
            made = _apply(review.round, verdict, about, text=text, account=account)
    except RoundNotRestingError as error:
        raise StaleReviewError(Stale.AWAITING_ACTOR) from error
    decision = Decision.objects.create(
        review=review,
        slot=slot,
        account=account,
        verdict=verdict,
        turn=about,
        made_turn=made,
        reason=reason,
        seen=asdict(seen),
    )
    if filters and made is not None:
        review.version += 1
        review.save(update_fields=["version"])
        return Decided(decision, leases.take(review, account=account, now=now))
    goes_on = verdict == Verdict.OVERRIDE
    review.state = ReviewState.AWAITING_ACTOR if goes_on else ReviewState.DONE
    review.closed_at = None if goes_on else now
    review.version += 1
    review.save(update_fields=["state", "closed_at", "version"])
    review.slots.update(leased_by=None, lease_token="", lease_expires_at=None)
    return Decided(decision, leases.take_next(account, now=now))


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
    leases.take(review, account=account, now=now)
    return True


def _apply(round_: Round, verdict: Verdict, proposed: Turn, *, text: str, account: Account) -> Turn | None:
    """Do what the verdict says; returns the turn that it made."""
    match verdict:
        case Verdict.APPROVE:
            accept(proposed)
        case Verdict.EDIT:
            edit = add_edit(round_, about=proposed, text=text, account=account)
            accept(edit)
            return edit
        case Verdict.OVERRIDE:
            return add_override(round_, about=proposed, critique=text, account=account)
        case Verdict.REJECT:
            reject(proposed)
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


def _as_seen(review: Review, seen: Seen) -> list[Turn]:
    """What is proposed: one rationale, or the kept drafts of a filtered round, maybe none."""
    found = proposed(review.round)
    now_there = (review.version, review.round.turns.count(), found[0].text_hash if found else "")
    if now_there != (seen.version, seen.turns, seen.text_hash):
        raise StaleReviewError(Stale.CHANGED)
    if not found and review.round.strategy != Strategy.FILTER:
        raise StaleReviewError(Stale.CHANGED)
    return found


def _about(round_: Round, kept: list[Turn], verdict: Verdict, draft: int | None) -> Turn:
    """The rationale that a decision names: the proposal, its first draft, or the one draft that it is about."""
    if round_.strategy != Strategy.FILTER or (verdict not in ABOUT_ONE_DRAFT and kept):
        return kept[0]
    turns = {turn.index: turn for turn in round_.turns.order_by("index")}
    indexes = [one.index for one in filtering.of(turn_values(list(turns.values())))]
    if verdict == Verdict.REJECT:
        return turns[indexes[0]]
    if verdict == Verdict.APPROVE or draft is None or draft not in indexes:
        raise StaleReviewError(Stale.CHANGED)
    return turns[draft]


def _apply_to_drafts(
    round_: Round,
    verdict: Verdict,
    about: Turn,
    *,
    kept: list[Turn],
    text: str,
    judgement: Judgement,
    account: Account,
) -> Turn | None:
    match verdict:
        case Verdict.APPROVE:
            accept(about, further=kept[1:])
        case Verdict.EDIT:
            return add_edit(round_, about=about, text=text, account=account)
        case Verdict.OVERRIDE:
            return judge_draft(round_, about=about, verdict=judgement, critique=text, account=account)
        case Verdict.REJECT:
            written = round_.turns.filter(kind__in=[TurnKind.REASON, TurnKind.EDIT])
            reject(about, drafts=list(written))
    return None
