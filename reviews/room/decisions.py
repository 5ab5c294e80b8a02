"""What annotators decide. A decision is appended and applied in one transaction, and never changed afterwards."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, assert_never

from django.db import transaction
from django.db.models import QuerySet

from recommender.counters import DECISIONS
from recommender.models import Account, Judgement, RestReason, Round, Turn
from recommender.prepared import PreparedUpdate
from recommender.rounds.core import drafts as filtering
from recommender.rounds.queries import proposed, turn_values
from recommender.rounds.service import RoundNotRestingError
from reviews.choices import Concern, ReviewState, Verdict
from reviews.models import Decision, Review, Slot
from reviews.room import disputes, leases, opening, verdicts
from reviews.room.attention import UNMEASURED, Measured
from reviews.room.leases import Stale, StaleReviewError
from reviews.room.stream import EVERYTHING, Stream
from reviews.room.verdict_row import About, Writing


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
    measured: Measured = UNMEASURED,
    stream: Stream = EVERYTHING,
    holds_another: bool = True,
    slots: Sequence[Slot] | None = None,
    now: datetime,
) -> Decided:
    """Decide a review on what was seen, and take the next one of the stream. What each verdict does: room.verdicts.

    `text`: the edited rationale, or the critique of an override. Of a filtered round `draft` is the index of the turn
    that the verdict is about, and `judgement` what the annotator judges it to be. `holds_another`: False where it
    is known that they hold nothing else. `slots`: where the review was just
    read for its card, with its round's turns; that it is still the same is made sure of when it is written. Raises
    StaleReviewError, with nothing changed, when the review is not as it was seen or somebody else holds it; ValueError
    for an unknown verdict; IntegrityError where somebody did the same in the same instant: read and decide again.
    """
    if slots is None:
        review = Review.objects.select_related("round").get(pk=review.pk)
        slots = list(review.slots.order_by("number"))
    round_ = review.round
    given = verdicts.find(verdicts.of_strategy(round_.strategy), verdict, judgement)
    if given is None:
        raise ValueError(f"There is no verdict {verdict!r} here.")
    slot = _slot_in_hand(review, slots, account, lease_token, now)
    kept = proposed(round_)
    if (len(round_.turns.all()), kept[0].text_hash if kept else "") != (seen.turns, seen.text_hash):
        raise too_late(review)
    about = _about(round_, given.about, kept, draft)
    with transaction.atomic():
        if not _moved(review, given.state_after, seen.version, now):
            raise too_late(review)
        rest_reason = round_.rest_reason
        try:
            written = given.write(Writing(round_, about, kept, text, account))
        except RoundNotRestingError as error:
            raise StaleReviewError(Stale.AWAITING_ACTOR) from error
        effects = {"rest_reason": rest_reason, "change": written.change and written.change.to_json()}
        decision = Decision.objects.create(
            review=review,
            slot=slot,
            account=account,
            verdict=given.name,
            turn=about,
            made_turn=written.made,
            reason=reason if given.takes_reason or given.puts_in_force == "turn" else "",
            seen=asdict(seen),
            effects=effects,
            **asdict(measured),
        )
        transaction.on_commit(DECISIONS.labels(given.name).inc)
        if review.concern == Concern.DISPUTED and given.state_after == ReviewState.DONE:
            disputes.settle(review, verdict=given.name, now=decision.created_at)
        if given.state_after == ReviewState.OPEN:
            return Decided(decision, leases.take(review, account=account, now=now))
        following = leases.take_next(account, stream=stream, after=review, may_hold=holds_another, now=now)
        return Decided(decision, following)


@transaction.atomic
def reopen(review: Review, *, account: Account, now: datetime) -> bool:
    """Put a decided review back in the hands of `account`. What is in force stays so until the next decision."""
    review = Review.objects.select_related("round").get(pk=review.pk)
    is_erased = review.round.rest_reason == RestReason.ERASED  # nothing is left to decide about
    if review.state != ReviewState.DONE or is_erased or not opening.reopen(review):
        return False
    leases.take(review, account=account, now=now)
    return True


def _moved(review: Review, state: ReviewState, version: int, now: datetime) -> bool:
    """Write the review's new state, if nobody has done anything to it since that version."""
    review.state, review.version = state, version + 1
    review.closed_at = now if state == ReviewState.DONE else None
    review.place = review.place_now()
    closed = {"closed_at": now} if review.closed_at else {}
    columns: dict[str, Any] = {"state": str(state), "version": review.version, "place": review.place} | closed
    return bool(_MOVE.run(bool(closed), review=review.pk, as_seen=version, **columns))


def _move(closes: bool, *, review: int, as_seen: int, **columns: Any) -> tuple[QuerySet[Review], dict[str, Any]]:
    closed = {} if closes else {"closed_at": None}
    return Review.objects.filter(pk=review, state=ReviewState.OPEN, version=as_seen), columns | closed


_MOVE = PreparedUpdate(_move)


def too_late(review: Review) -> StaleReviewError:
    """Why a review is not as it was seen."""
    state = Review.objects.values_list("state", flat=True).get(pk=review.pk)
    why = {ReviewState.DONE: Stale.DECIDED, ReviewState.AWAITING_ACTOR: Stale.AWAITING_ACTOR}
    return StaleReviewError(why.get(ReviewState(state), Stale.CHANGED))


def _slot_in_hand(review: Review, slots: Sequence[Slot], account: Account, lease_token: str, now: datetime) -> Slot:
    """The annotator's slot, or one that nobody holds. Raises StaleReviewError where others hold them all."""
    if review.state != ReviewState.OPEN:
        raise too_late(review)
    own = [each for each in slots if each.leased_by_id == account.pk]  # taken again on another page: with another token
    mine = (each for each in [*(one for one in own if one.lease_token == lease_token), *own])
    free = (each for each in slots if each.lease_expires_at is None or each.lease_expires_at <= now)
    slot = next(mine, None) or next(free, None)
    if slot is None:
        raise StaleReviewError(Stale.HELD)
    return slot


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
    turns = {turn.index: turn for turn in sorted(round_.turns.all(), key=lambda turn: turn.index)}
    return [turns[draft.index] for draft in filtering.of(turn_values(list(turns.values())))]
