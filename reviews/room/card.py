"""One review as a person sees it: the subject's evidence, the turns with their changes, who holds it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.db.models import Prefetch

from recommender.models import Account, Catalog, Clock, LlmCall, SubjectKind, Turn
from recommender.rounds import queries
from recommender.rounds.core.types import Encounter, Subject
from reviews.choices import ReviewState
from reviews.models import Decision, Review, Slot
from reviews.policy import Action, may, may_decide, may_reopen
from reviews.room.turns import DraftOnCard, TurnOnCard, drafts
from reviews.room.verdicts import About, VerdictRow, of_strategy


@dataclass(frozen=True)
class Card:
    """Everything the card page shows. `slot`: the viewer's own, when they hold the review."""

    review: Review
    viewer: Account
    subject: Subject
    turns: list[TurnOnCard]
    proposal: Turn | None
    slot: Slot | None
    holder: Slot | None
    decisions: list[Decision]
    last_decision: Decision | None
    now: datetime

    @property
    def heading(self) -> str:
        round_ = self.review.round
        return round_.item.title if round_.item else f"User {round_.subject}"

    @property
    def kind_of_text(self) -> str:
        return f"About this {self.subject.item_noun}" if self.review.round.item else "What this user likes"

    @property
    def as_of(self) -> str:
        return ratings_up_to(self.review.round.as_of, self.review.round.catalog)

    @cached_property
    def verdicts(self) -> tuple[VerdictRow, ...]:
        """All that the viewer may give now."""
        may_now = may_decide(role=self.viewer.role, state=self.review.state, holds=self.slot is not None)
        return of_strategy(self.review.round.strategy) if may_now else ()

    @property
    def panel_verdicts(self) -> list[VerdictRow]:
        """Those beside the card; those about one draft are at the draft."""
        whole = [row for row in self.verdicts if row.about is not About.DRAFT]
        return [row for row in whole if self.proposal or row.about is not About.PROPOSAL]

    @property
    def may_take(self) -> bool:
        may_decide = may(self.viewer.role, Action.DECIDE) and self.review.state == ReviewState.OPEN
        return may_decide and self.slot is None and self.holder is None

    @property
    def may_reopen(self) -> bool:
        theirs = bool(self.decisions) and self.decisions[-1].account_id == self.viewer.pk
        return may_reopen(role=self.viewer.role, state=self.review.state, decided_by_them=theirs)

    @property
    def seconds_left(self) -> int:
        if self.slot is None or self.slot.lease_expires_at is None:
            return 0
        return max(0, int((self.slot.lease_expires_at - self.now).total_seconds()))

    @property
    def is_filtered(self) -> bool:
        return queries.strategy_of(self.review.round).samples_drafts

    @cached_property
    def drafts(self) -> list[DraftOnCard]:
        """The drafts of a filtered round, in the order they were sampled."""
        return drafts(self.turns, self.verdicts) if self.is_filtered else []

    @property
    def kept(self) -> int:
        return sum(draft.is_kept for draft in self.drafts)

    @property
    def draft_texts(self) -> dict[int, str] | None:
        """By the index of its turn; None where the round does not filter drafts."""
        return {draft.text.turn.index: draft.text.turn.text for draft in self.drafts} if self.is_filtered else None

    @property
    def judgement(self) -> TurnOnCard | None:
        """The last word on the proposal: an override outranks a reflection."""
        judging = [t for t in self.turns if t.turn.verdict and t.about == self.proposal]
        return next((t for t in reversed(judging) if t.is_human), judging[-1] if judging else None)

    @property
    def proposed(self) -> TurnOnCard | None:
        return next((t for t in self.turns if t.turn == self.proposal), None)

    def is_typed(self, text: str | None) -> bool:
        """Whether a person typed this into the edit box, which starts with the proposal of its time."""
        typed = (text or "").replace("\r\n", "\n").strip()
        return bool(typed) and all(typed != t.turn.text.strip() for t in self.turns)

    @property
    def latest_rationale(self) -> Turn | None:
        return next((t.turn for t in reversed(self.turns) if t.turn.is_rationale), None)

    @property
    def histories(self) -> list[tuple[str, tuple[Encounter, ...]]]:
        """The evidence in parts, each with its heading; the latest interaction first."""
        if self.review.round.subject_kind == SubjectKind.END_USER:
            parts = [(f"Their ratings ({len(self.subject.history)})", self.subject.history)]
        else:
            parts = [
                (_before("A fan's", self.subject.liker), self.subject.liker),
                (_before("The other person's", self.subject.disliker), self.subject.disliker),
            ]
        return [(heading, history[::-1]) for heading, history in parts]

    @property
    def subject_attributes(self) -> dict[str, Any]:
        return self.subject.attributes or self.review.round.subject.attributes


def _before(whose: str, history: tuple[Encounter, ...]) -> str:
    """A heading for the ratings before an item's, which is the last of the history."""
    earlier = len(history) - 1
    return f"{whose} last {earlier} ratings" if earlier > 0 else f"{whose} ratings"


def card(review_id: int, *, viewer: Account, now: datetime) -> Card:
    """Read a review that the viewer may see. Raises Review.DoesNotExist. Five queries."""
    calls = LlmCall.objects.only("model")
    turns_read = Turn.objects.select_related("account").prefetch_related(Prefetch("call", calls)).order_by("index")
    review = (
        Review.objects.visible_to(viewer)
        .select_related("round__catalog", "round__end_user", "round__item")
        .prefetch_related(
            Prefetch("round__turns", turns_read),
            Prefetch("slots", Slot.objects.select_related("leased_by").order_by("number")),
            Prefetch("decisions", Decision.objects.select_related("account", "made_turn").order_by("pk")),
        )
        .get(pk=review_id)
    )
    turns = list(review.round.turns.all())
    by_id = {turn.pk: turn for turn in turns}
    held = [s for s in review.slots.all() if s.lease_expires_at and s.lease_expires_at > now]
    return Card(
        review=review,
        viewer=viewer,
        subject=Subject.from_json(review.round.evidence),
        turns=[TurnOnCard(turn, by_id.get(turn.about_id or 0)) for turn in turns],
        proposal=queries.proposal(review.round),
        slot=next((s for s in held if s.leased_by_id == viewer.pk), None),
        holder=next((s for s in held if s.leased_by_id != viewer.pk), None),
        decisions=list(review.decisions.all()),
        last_decision=_last_decision(viewer),
        now=now,
    )


def _last_decision(viewer: Account) -> Decision | None:
    """What the viewer decided last, to come back to it."""
    made = Decision.objects.filter(account=viewer).select_related("review__round__end_user", "review__round__item")
    return (
        made.defer("review__round__evidence", "review__round__end_user__attributes", "review__round__item__attributes")
        .order_by("-pk")
        .first()
    )


def ratings_up_to(moment: int, catalog: Catalog) -> str:
    """Which ratings a text as of this moment on the catalog's clock uses, for people."""
    if catalog.clock == Clock.SECONDS:
        return f"ratings up to {datetime.fromtimestamp(moment, tz=UTC):%-d %b %Y}"
    return f"ratings up to position {moment} in the history" if moment else "ratings of the whole catalog"
