"""One review as a person sees it: the subject's evidence, the turns with their changes, who holds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.db.models import QuerySet

from recommender import prepared
from recommender.models import (
    Account,
    Catalog,
    Clock,
    Holder,
    ListedBy,
    RestReason,
    Round,
    Statement,
    Strategy,
    SubjectKind,
    Turn,
)
from recommender.prepared import Prepared
from recommender.rounds import purposes, queries
from recommender.rounds.core import keywords
from recommender.rounds.core.prompts import thinkrec as prompts
from recommender.rounds.core.types import Encounter, Subject
from recommender.serving.steering import knob
from recommender.statements import releases
from recommender.statements.aspects import aspects_of
from reviews import feedback
from reviews.choices import Concern, ReviewState
from reviews.models import Decision, Review, Slot, Unsent
from reviews.policy import Action, may, may_decide, may_reopen
from reviews.room import disputes, guidelines, said, unsent
from reviews.room.said import SaidOnCard
from reviews.room.statements import Part, Shown, StatementOnCard, doubts, on_card, ordered, parts
from reviews.room.stream import EVERYTHING, Stream
from reviews.room.turns import DraftOnCard, TurnOnCard, drafts
from reviews.room.unsent import Field
from reviews.room.verdict_row import About, VerdictRow
from reviews.room.verdicts import of_strategy, over_evidence

LISTED = {ListedBy.WITH_TEXT: "Listed by the AI with its text", ListedBy.AFTERWARDS: "Listed by the AI when asked"}
TAGS = {
    "first_try": "Right at the first try",
    "hinted": "Right after a hint that named the answer",
    "human": "Written by a person",
}
OF_STATEMENTS = ("polarity", "fact")  # findings that a statement's own badge tells
STATEMENT = "statement"  # the field in which one adds a statement in plain words


@dataclass(frozen=True)
class Card:
    """Everything the card page shows. `slot`: the viewer's own, when they hold the review; `slots`: all of them.

    `unsent`: what the viewer typed and has not sent, by field. `guideline`: the number of the guidelines in force.
    """

    review: Review
    viewer: Account
    subject: Subject
    turns: list[TurnOnCard]
    proposal: Turn | None
    slots: list[Slot]
    slot: Slot | None
    holder: Slot | None
    decisions: list[Decision]
    unsent: dict[str, Unsent]
    guideline: int | None
    stream: Stream
    now: datetime

    @property
    def heading(self) -> str:
        round_ = self.review.round
        return round_.item.title if round_.item else f"User {round_.subject}"

    @property
    def kind_of_text(self) -> str:
        if self.face == Strategy.KEYWORDS:
            return f"Keywords of this {self.subject.item_noun}"
        if self.face == Strategy.TRACE:
            return f"Will this user like one {self.subject.item_noun}?"
        return f"About this {self.subject.item_noun}" if self.review.round.item else "What this user likes"

    @property
    def steers(self) -> bool:
        """Whether statements move lists of the catalog."""
        return knob(self.review.round.catalog) > 0

    @property
    def face(self) -> str:
        """Which card it is: keywords or trace; empty for knowledge."""
        return "" if self.review.round.is_for_knowledge else self.review.round.strategy

    @property
    def keywords(self) -> list[tuple[str, tuple[str, ...]]]:
        """Each with the names of what was shown that has it."""
        words = keywords.listed(self.proposal.text) if self.proposal else []
        return [(word, keywords.sources_of(word, prompts.searched(self.subject))) for word in words]

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """What the AI named that stands nowhere in what it was shown. One query."""
        proposal = self.proposal
        call = proposal.call if proposal and self.face == Strategy.KEYWORDS else None
        return purposes.left_out(call.answer, self.subject) if call else ()

    @property
    def tag(self) -> str:
        """How a trace came about, in words."""
        values = queries.turn_values([each.turn for each in self.turns])
        return TAGS[purposes.tag(values, self.proposal.index)] if self.proposal else ""

    @property
    def target(self) -> Encounter | None:
        """What a trace is about; None once it was erased."""
        return next(iter(self.subject.asked), None)

    def wrong_with(self, text: str) -> str:
        """What is wrong with a text that somebody typed in place of the proposal; empty where nothing is."""
        return purposes.PURPOSES[self.face].problem(self.subject, text) if self.face else ""  # type: ignore[index]

    @property
    def as_of(self) -> str:
        return uses(self.review.round)

    @cached_property
    def verdicts(self) -> tuple[VerdictRow, ...]:
        """All that the viewer may give now."""
        may_now = may_decide(role=self.viewer.role, state=self.review.state, holds=self.slot is not None)
        return self.rows if may_now else ()

    @cached_property
    def rows(self) -> tuple[VerdictRow, ...]:
        """All verdicts about such a text; an approval asks why where the evidence says otherwise."""
        rows = of_strategy(self.review.round.strategy)
        if any(row.puts_in_force == "turn" for row in rows) and (why := doubts(self.contradicted, len(self.wrong))):
            return tuple(over_evidence(row, why) if row.puts_in_force == "turn" else row for row in rows)
        return rows

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
        return not self.is_erased and may_reopen(role=self.viewer.role, state=self.review.state, decided_by_them=theirs)

    @property
    def is_erased(self) -> bool:
        """Whether the person or item was erased, and the text with it."""
        return self.review.round.rest_reason == RestReason.ERASED

    @property
    def seconds_left(self) -> int:
        if self.slot is None or self.slot.lease_expires_at is None:
            return 0
        return max(0, int((self.slot.lease_expires_at - self.now).total_seconds()))

    @cached_property
    def is_filtered(self) -> bool:
        return queries.strategy_of(self.review.round).samples_drafts

    @cached_property
    def drafts(self) -> list[DraftOnCard]:
        """The drafts of a filtered round, in the order they were sampled."""
        return drafts(self.turns, self.verdicts) if self.is_filtered else []

    @property
    def kept(self) -> int:
        return sum(draft.is_kept for draft in self.drafts)

    @cached_property
    def fields(self) -> dict[str, Field]:
        """The boxes that one can type into, by name: of the card, and of each of its drafts."""
        found = [Field(STATEMENT, "")] if self.may_change_statements else []
        for row in self.rows:
            if row.box is None:
                continue
            starts: list[tuple[DraftOnCard | None, str]] = [(None, self.proposal.text if self.proposal else "")]
            if row.about is About.DRAFT:
                starts = [(draft, draft.text.turn.text) for draft in self.drafts if draft.repeats is None]
            for draft, text in starts:
                name = row.field_of(draft.number if draft else None)
                found.append(Field(name, text if row.box.field == "text" else ""))
        return {field.name: field for field in found}

    @property
    def why_here(self) -> str:
        """Why this text is shown before others, where it is; else nothing."""
        if self.review.concern == Concern.DISPUTED:
            return disputes.words(self.review.round)
        if self.review.concern == Concern.SAID:
            return said.words(self.review.round)
        if self.review.concern == Concern.NOT_PASSED:
            return "It comes early because no attempt passed the AI check."
        if self.review.concern == Concern.CONTRADICTED:
            words = "" if self.wrong else self.review.concern_words  # findings stand below, in red
            return f"It comes early because its evidence says otherwise. {words}".strip()
        return ""

    @cached_property
    def judgement(self) -> TurnOnCard | None:
        """The last word on the proposal: an override outranks a reflection."""
        judging = [t for t in self.turns if t.turn.verdict and t.about == self.proposal]
        return next((t for t in reversed(judging) if t.is_human), judging[-1] if judging else None)

    @cached_property
    def proposed(self) -> TurnOnCard | None:
        return next((t for t in self.turns if t.turn == self.proposal), None)

    @property
    def latest_rationale(self) -> Turn | None:
        return next((t.turn for t in reversed(self.turns) if t.turn.is_rationale), None)

    @cached_property
    def statements(self) -> list[StatementOnCard]:
        """What the proposed text states; of a filtered round, the first kept draft."""
        return on_card(self.proposal, self.subject, aspects_of(self.review.round.catalog).title_of)

    @cached_property
    def said(self) -> list[SaidOnCard]:
        """What the user says of themself, over REST: what waits for a person first. One query."""
        return said.of_round(self.review.round) if not self.face else []

    @property
    def read_by(self) -> str:
        """Who took the proposed text apart into statements."""
        if self.proposal is None or self.proposal.reader is None:
            return ""
        by_app = releases.in_words(self.proposal.reader)
        if self.proposal.listed is None:
            return f"Read by {by_app}"
        if self.proposal.listed.get("error"):
            return f"Read by {by_app}: the AI was asked, and its list could not be read"
        return f"{LISTED[self.proposal.listed['by']]}, held against {by_app}"

    @cached_property
    def quiet(self) -> list[StatementOnCard]:
        """Titles that are cited as the evidence has them."""
        return [one for one in self.statements if one.is_quiet]

    @property
    def proposed_texts(self) -> list[Turn]:
        """What an approval would put in force: one text, or all kept drafts."""
        return queries.proposed(self.review.round)

    @property
    def parts(self) -> list[Part]:
        """The proposed text, with the places of its statements."""
        if self.proposal is None:
            return []
        return parts(self.proposal.text, self.statements, [(each["start"], each["end"]) for each in self.wrong])

    @cached_property
    def wrong(self) -> list[dict[str, Any]]:
        """Counts, titles, ratings and the like of the proposed text that the evidence contradicts; no statements."""
        proposed = self.proposal.pk if self.proposal else None
        return [each for each in self.review.findings if each["turn"] == proposed and each["kind"] not in OF_STATEMENTS]

    @cached_property
    def contradicted(self) -> list[StatementOnCard]:
        """Statements that stand against their evidence: who approves the text says why."""
        return [one for one in self.statements if one.standing == "contradicted" and not one.is_struck and not one.by]

    @cached_property
    def may_change_statements(self) -> bool:
        return bool(self.verdicts) and self.proposal is not None and not self.face

    @property
    def histories(self) -> list[tuple[str, list[Shown]]]:
        """The evidence in parts, each with its heading: what statements cite, then the latest interaction first."""
        subject = self.subject
        if self.review.round.subject_kind == SubjectKind.END_USER:
            heading = f"Their {feedback.noun(subject.history)} ({len(subject.history)})"
            return [(heading, self._shown(subject.history, Holder.SUBJECT))]
        return [
            (feedback.before("A fan's", subject.liker), self._shown(subject.liker, Holder.LIKERS)),
            (feedback.before("The other person's", subject.disliker), self._shown(subject.disliker, Holder.DISLIKERS)),
        ]

    @property
    def shows_ratings(self) -> bool:
        """Whether anything of the evidence was rated; likes are above no threshold."""
        subject = self.subject
        return any(met.rating is not None for met in (*subject.history, *subject.liker, *subject.disliker))

    def _shown(self, history: tuple[Encounter, ...], holder: str) -> list[Shown]:
        return ordered(history, self.statements, holder)

    @property
    def subject_attributes(self) -> dict[str, Any]:
        return self.subject.attributes or self.review.round.subject.attributes


def card(
    review_id: int,
    *,
    viewer: Account,
    stream: Stream = EVERYTHING,
    now: datetime,
    typed: Sequence[Unsent] | None = None,
) -> Card:
    """Read a review that the viewer may see. Raises Review.DoesNotExist. Three queries, or four (see `of_slots`)."""
    found = _SLOTS.rows(viewer.role, viewer.all_catalogs, viewer=viewer.pk, review=review_id)
    if not found:
        raise Review.DoesNotExist(f"There is no review {review_id} for {viewer}.")
    return of_slots(found, viewer=viewer, stream=stream, now=now, typed=typed)


def of_slots(
    slots: Sequence[Slot], *, viewer: Account, stream: Stream, now: datetime, typed: Sequence[Unsent] | None = None
) -> Card:
    """The card of a review whose slots were read by SlotQuerySet.for_card.

    `typed`: what the viewer typed into cards and did not send, where it was read already. One query for it otherwise,
    one for the turns, and one more where something was decided.
    """
    review = slots[0].review
    turns = _TURNS.rows(round_id=review.round_id)
    prepared.keep(review.round, "turns", turns, back="round")
    proposal = queries.proposal(review.round)
    if proposal is not None:
        prepared.keep(proposal, "statements", _STATEMENTS.rows(turn_id=proposal.pk), back="turn")
    by_id = {turn.pk: turn for turn in turns}
    held = [s for s in slots if s.lease_expires_at and s.lease_expires_at > now and review.state == ReviewState.OPEN]
    typed = unsent.of(viewer) if typed is None else typed
    return Card(
        review=review,
        viewer=viewer,
        subject=Subject.from_json(review.round.evidence),
        turns=[TurnOnCard(turn, by_id.get(turn.about_id or 0)) for turn in turns],
        proposal=proposal,
        slots=list(slots),
        slot=next((s for s in held if s.leased_by_id == viewer.pk), None),
        holder=next((s for s in held if s.leased_by_id != viewer.pk), None),
        decisions=_decisions(review) if review.version > 1 else [],  # nobody has touched the first version
        unsent={each.field: each for each in typed if each.review_id == review.pk},
        guideline=guidelines.number_in_force(),
        stream=stream,
        now=now,
    )


def _slots_for_card(role: str, everywhere: bool, *, viewer: int, review: int) -> QuerySet[Slot]:
    account = Account(pk=viewer, role=role, all_catalogs=everywhere)
    return Slot.objects.visible_to(account).for_card().filter(review=review).order_by("number")


def _turns_for_card(*, round_id: int) -> QuerySet[Turn]:
    """Without the calls' long texts."""
    shown = [field.attname for field in Turn._meta.concrete_fields]
    turns = Turn.objects.select_related("account", "call").only(*shown, "account__username", "call__model")
    return turns.filter(round=round_id).order_by("index")


def _statements_for_card(*, turn_id: int) -> QuerySet[Statement]:
    return Statement.objects.filter(turn=turn_id).select_related("account").order_by("place")


def _decisions(review: Review) -> list[Decision]:
    return list(Decision.objects.filter(review=review).select_related("account", "made_turn").order_by("pk"))


_SLOTS = Prepared(_slots_for_card)
_TURNS = Prepared(_turns_for_card)
_STATEMENTS = Prepared(_statements_for_card)


def uses(round_: Round) -> str:
    """What a round's text was written from, for people. Its catalog must be loaded."""
    is_about_keywords = round_.strategy == Strategy.KEYWORDS
    return "title, attributes and its text" if is_about_keywords else history_up_to(round_.as_of, round_.catalog)


def history_up_to(moment: int, catalog: Catalog) -> str:
    """How much of a history a text as of this moment on the catalog's clock uses, for people."""
    if catalog.clock == Clock.SECONDS:
        return f"history up to {datetime.fromtimestamp(moment, tz=UTC):%-d %b %Y}"
    if not catalog.ordered:
        return "history drawn by chance: it is not known what came first"
    return f"history up to position {moment}" if moment else "history of the whole catalog"
