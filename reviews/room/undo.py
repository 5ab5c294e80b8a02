"""Taking back what one decided: the review is open again, and everything is as it was before."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from recommender.accounts.visible import within
from recommender.knowledge import disputes
from recommender.knowledge import service as knowledge
from recommender.knowledge.service import Change, TakenUpError
from recommender.models import Account
from recommender.prepared import Prepared
from recommender.rounds import service as rounds
from recommender.rounds.service import RoundWentOnError
from reviews.models import Attention, Decision, Review, ReviewState, Slot, Undone
from reviews.room import leases, opening, verdicts
from reviews.room.card import Card
from reviews.room.verdict_row import About

LAST = 10  # decisions that can be taken back


class CannotUndoError(Exception):
    """Why a decision stays, in words for the annotator."""


@dataclass(frozen=True, slots=True)
class Given:
    """One of an annotator's last decisions. `stays`: why it cannot be taken back; empty where it can."""

    decision: Decision
    stays: str = ""

    @property
    def review(self) -> Review:
        return self.decision.review


def last(account: Account, *, most: int = LAST) -> list[Given]:
    """What the annotator decided last, the latest first. One query and one for each that changed what is in force."""
    decisions = _LAST.rows(account.all_catalogs, most, account=account.pk)
    return [Given(decision, _why_not(decision, account)) for decision in decisions]


def _last(account: Account) -> QuerySet[Decision]:
    later = Decision.objects.filter(review=OuterRef("review"), pk__gt=OuterRef("pk")).order_by("-pk")
    return (
        within(Decision.objects.filter(account=account), account, at="review__catalog")
        .select_related("review__round__catalog", "review__round__end_user", "review__round__item", "made_turn")
        .defer("review__round__evidence", "review__round__end_user__attributes", "review__round__item__attributes")
        .annotate(decided_later=Subquery(later.values("account__username")[:1]))
        .order_by("-created_at", "-pk")
    )


# Every page of the room shows the last one, and PostgreSQL plans its seven joins for longer than it reads them.
_LAST = Prepared(lambda everywhere, most, *, account: _last(Account(pk=account, all_catalogs=everywhere))[:most])


def _why_not(decision: Decision, account: Account) -> str:
    """`decision`: of `_last`."""
    if by := decision.decided_later:  # type: ignore[attr-defined] # annotated
        is_own = decision.account_id == account.pk and by == account.username
        return f"{'You' if is_own else by} decided about this text later."
    change = decision.effects.get("change") if decision.effects else None
    if not decision.effects:
        return "It was made before decisions could be undone."
    if change and knowledge.is_taken_up(Change.from_json(change)):
        return "A model was trained with it. You can decide again."
    return ""


@transaction.atomic
def undo(decision_id: int, *, account: Account, now: datetime) -> tuple[Undone, Slot | None]:
    """Take back one of the annotator's last decisions, and put its review in their hands.

    What they hold besides stays theirs. Returns what was decided, with its words, and the slot. Raises CannotUndoError,
    with nothing changed.
    """
    recent = list(_last(account).values_list("pk", flat=True)[:LAST])
    if decision_id not in recent:
        raise CannotUndoError(f"Only your last {LAST} decisions can be undone.")
    decision = _last(account).get(pk=decision_id)
    review, round_ = Review.objects.select_for_update().get(pk=decision.review_id), decision.review.round
    if why := _why_not(decision, account):
        raise CannotUndoError(why)
    held = Slot.objects.filter(review=review, review__state=ReviewState.OPEN, lease_expires_at__gt=now)
    if other := held.exclude(leased_by=account).select_related("leased_by").first():
        raise CannotUndoError(f"{other.leased_by} is reading the text now.")
    made, effects = decision.made_turn, decision.effects
    undone = Undone.objects.create(
        review=review,
        account=account,
        verdict=decision.verdict,
        turn_index=decision.turn.index,
        judgement=made.verdict if made else "",
        text=made.text if made else "",
        reason=decision.reason,
        seen=decision.seen,
        decided_at=decision.created_at,
        **{field.name: getattr(decision, field.name) for field in Attention._meta.get_fields()},
    )
    decision.delete()
    try:
        with transaction.atomic():
            if effects["change"]:
                knowledge.take_back(Change.from_json(effects["change"]), round_)
            if made is not None:
                rounds.take_back(made, rest_reason=effects["rest_reason"])
    except TakenUpError as error:
        raise CannotUndoError("A model was trained with it, or another text took its place.") from error
    except RoundWentOnError as error:
        raise CannotUndoError("The text is rewritten already.") from error
    disputes.unsettle(round_, since=undone.decided_at)
    opening.reopen(review)
    return undone, leases.take(review, account=account, now=now, beside=True)


def words_of(undone: Undone, card: Card) -> dict[str, str]:
    """What was typed for a decision, by the fields of the card that it goes back to."""
    draft = next((each for each in card.drafts if each.text.turn.index == undone.turn_index), None)
    given = verdicts.find(card.rows, undone.verdict, undone.judgement)
    if given is None:
        return {}
    number = draft.number if draft and given.about is About.DRAFT else None
    if given.box is None:
        return {}
    beside = {"reason": undone.reason} if undone.text else {}  # what an edit says why is typed into a box of its own
    return {given.field_of(number): undone.text or undone.reason} | beside
