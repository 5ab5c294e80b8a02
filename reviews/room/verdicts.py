"""The verdicts: one row for each that an annotator can give, for each strategy of a round.

Form, card, decision, messages, badges, training sets and a version's receipt all read these rows; a new verdict is a
new row (and a name in `choices.Verdict`, where the decisions are stored). Labels may name {heading}, {draft} (its
number), {kept} (how many) and {s} (the plural's).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from recommender.knowledge.service import Change, accept, approve, disapprove, reject
from recommender.models import Account, Judgement, Round, Strategy, Turn, TurnKind
from recommender.rounds.core.thinkrec import PURPOSES
from recommender.rounds.service import add_edit, add_override, judge_draft
from recommender.tuning.rows import Row
from reviews.choices import ReviewState, Verdict
from reviews.models import Decision
from reviews.room import lessons
from reviews.room.lessons import Lesson


class About(Enum):
    """The rationale that a decision names."""

    PROPOSAL = "the proposal; of a filtered round the first kept draft"
    DRAFT = "the one draft that the annotator chose"
    EVERYTHING = "the proposal, or the first draft where none is kept"


@dataclass(frozen=True, slots=True)
class Writing:
    """What a verdict writes from. `kept`: all that is proposed, `about` first where it is the proposal."""

    round: Round
    about: Turn
    kept: Sequence[Turn]
    text: str
    account: Account


@dataclass(frozen=True, slots=True)
class Written:
    """What a verdict wrote: the turn that it made, and what it changed in what is in force."""

    made: Turn | None = None
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """What a verdict needs typed. `field`: of the form: text, critique or reason. `send`: the button below it.

    `optional`: said beside the label where nothing need be typed; `missing`: said where something must be;
    `unchanged`: said where it must differ from the rationale that the decision names.
    """

    field: str
    label: str
    send: str
    rows: int
    style: str = "primary"
    placeholder: str = ""
    optional: str = ""
    missing: str = ""
    unchanged: str = ""


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One verdict. `label` with its `wide_label` on wide screens, `hint` in the list of keys, `said` when it is done.

    `key`: empty where it is the draft's number. `judgement`: what the annotator judges the draft to be; it tells rows
    that are stored alike apart. `write` does what it says. `state_after`: of the review; it stays in hand while it is
    open. `takes_reason`: what was typed as the reason is kept with the decision. `lesson`: the training rows of one
    decision, None where a later decision teaches it. `puts_in_force`: the column of a decision whose turn it puts in
    force; `noun`: counts such decisions.
    """

    name: str
    label: str
    hint: str
    said: str
    write: Callable[[Writing], Written]
    state_after: ReviewState
    lesson: Callable[[Lesson], Iterator[Row]] | None
    badge: str
    tone: str  # of the badge: good, bad or human
    key: str = ""
    style: str = ""  # of its buttons: primary, danger or nothing
    wide_label: str = ""
    box: Box | None = None
    about: About = About.PROPOSAL
    judgement: Judgement | None = None
    puts_in_force: str = ""
    noun: str = ""
    takes_reason: bool = False
    takes_out: bool = False

    def value(self, draft: int | None = None) -> str:
        """What the button sends: the name, and which draft is judged to be what: "override.2.not_reasonable"."""
        about = [str(draft)] if draft is not None else []
        return ".".join([self.name, *about, *([str(self.judgement)] if self.judgement else [])])

    def field_of(self, draft: int | None = None) -> str:
        """The name of its box in the card's form: "text", or of the second draft "text_2"; empty without a box."""
        field = self.box.field if self.box else ""
        return field if draft is None else f"{field}_{draft}"

    def tells(self, draft: int | None = None) -> set[str]:
        """The fields whose words it takes along."""
        return {self.field_of(draft)} | ({"reason"} if self.takes_reason else set())


def _approve(writing: Writing) -> Written:
    return Written(change=accept(writing.about, further=writing.kept[1:], by=writing.account))


def _edit(writing: Writing) -> Written:
    edit = add_edit(writing.round, about=writing.about, text=writing.text, account=writing.account)
    return Written(edit, accept(edit, by=writing.account))


def _edit_draft(writing: Writing) -> Written:
    return Written(add_edit(writing.round, about=writing.about, text=writing.text, account=writing.account))


def _override(writing: Writing) -> Written:
    return Written(add_override(writing.round, about=writing.about, critique=writing.text, account=writing.account))


def _keep(writing: Writing) -> Written:
    return _judge(writing, Judgement.REASONABLE)


def _drop(writing: Writing) -> Written:
    return _judge(writing, Judgement.NOT_REASONABLE)


def _judge(writing: Writing, judgement: Judgement) -> Written:
    turn = judge_draft(
        writing.round, about=writing.about, judgement=judgement, critique=writing.text, account=writing.account
    )
    return Written(turn)


def _reject(writing: Writing) -> Written:
    return Written(change=reject(writing.about))


def _reject_all(writing: Writing) -> Written:
    written = [turn for turn in writing.round.turns.all() if turn.kind in (TurnKind.REASON, TurnKind.EDIT)]
    return Written(change=reject(writing.about, drafts=written))


def _approve_other(writing: Writing) -> Written:
    return Written(change=approve(writing.about))


def _edit_other(writing: Writing) -> Written:
    text = PURPOSES[writing.round.strategy].tidied(writing.text)  # type: ignore[index] # Strategy's values
    edit = add_edit(writing.round, about=writing.about, text=text, account=writing.account)
    return Written(edit, approve(edit))


def _reject_other(writing: Writing) -> Written:
    return Written(change=disapprove(writing.about))


_WHY = Box("reason", "Why?", "Reject", rows=3, style="danger", optional="(optional)")
_TEXT = Box(
    "text",
    "Your version",
    "Save and approve",
    rows=9,
    missing="Write the text that should be used.",
    unchanged="You have not changed the text. Approve it, or change it first.",
)


def _of_other(
    noun: str, edited: Box, *, lesson: Callable[[Lesson], Iterator[Row]] | None, about: About = About.PROPOSAL
) -> tuple[VerdictRow, ...]:
    """The verdicts on what is no knowledge, by the same keys. Nothing is sent back: an edit is as quick."""
    return (
        VerdictRow(
            Verdict.APPROVE,
            label="Approve",
            key="a",
            style="primary",
            hint=f"Approve: use {noun}",
            said="Approved: {heading}.",
            write=_approve_other,
            state_after=ReviewState.DONE,
            lesson=lesson,
            badge="Approved",
            tone="good",
        ),
        VerdictRow(
            Verdict.EDIT,
            label="Edit",
            key="e",
            hint=f"Edit {noun}, then approve",
            box=edited,
            takes_reason=True,
            said="Saved and approved your version: {heading}.",
            write=_edit_other,
            state_after=ReviewState.DONE,
            lesson=lesson,
            badge="Edited",
            tone="good",
            about=about,
        ),
        VerdictRow(
            Verdict.REJECT,
            label="Reject",
            key="x",
            style="danger",
            hint=f"Reject: nobody uses {noun}",
            box=_WHY,
            takes_reason=True,
            said="Rejected: {heading}. Nobody uses this.",
            write=_reject_other,
            state_after=ReviewState.DONE,
            lesson=None,
            badge="Rejected",
            tone="bad",
            takes_out=True,
            about=about,
        ),
    )


ROWS: dict[Strategy, tuple[VerdictRow, ...]] = {
    Strategy.KEYWORDS: _of_other(
        "these keywords",
        replace(
            _TEXT,
            label="Your keywords, with commas between them",
            rows=3,
            missing="Write the keywords that should be used.",
            unchanged="You have not changed the keywords. Approve them, or change them first.",
        ),
        lesson=None,
    ),
    Strategy.TRACE: _of_other(
        "this trace", replace(_TEXT, label="Your reasons, after Yes or No"), lesson=lessons.trace
    ),
    Strategy.REFINE: (
        VerdictRow(
            Verdict.APPROVE,
            label="Approve",
            key="a",
            style="primary",
            hint="Approve: use this text",
            said="Approved: {heading}.",
            write=_approve,
            state_after=ReviewState.DONE,
            lesson=lessons.approved,
            badge="Approved",
            tone="good",
            puts_in_force="turn",
            noun="approval",
        ),
        VerdictRow(
            Verdict.EDIT,
            label="Edit",
            key="e",
            hint="Edit the text, then approve it",
            box=_TEXT,
            takes_reason=True,
            said="Saved and approved your version: {heading}.",
            write=_edit,
            state_after=ReviewState.DONE,
            lesson=lessons.edited,
            badge="Edited",
            tone="good",
            puts_in_force="made_turn",
            noun="edit",
        ),
        VerdictRow(
            Verdict.OVERRIDE,
            label="Send back",
            key="o",
            hint="Send it back with a note: the text is written again",
            box=Box(
                "critique",
                "Your note: what should change?",
                "Send back with a note",
                rows=5,
                placeholder="What is wrong, missing or not supported by the evidence?",
                missing="Write what should change.",
            ),
            said="Sent back: {heading}. It returns when it is rewritten.",
            write=_override,
            state_after=ReviewState.AWAITING_ACTOR,
            lesson=lessons.overridden,
            badge="Sent back",
            tone="human",
        ),
        VerdictRow(
            Verdict.REJECT,
            label="Reject",
            key="x",
            style="danger",
            hint="Reject: nobody uses this text",
            box=_WHY,
            takes_reason=True,
            said="Rejected: {heading}. Nobody uses this text.",
            write=_reject,
            state_after=ReviewState.DONE,
            lesson=lessons.rejected,
            badge="Rejected",
            tone="bad",
            takes_out=True,
        ),
    ),
    Strategy.FILTER: (
        VerdictRow(
            Verdict.APPROVE,
            label="Approve {kept} kept",
            wide_label=" draft{s}",
            key="a",
            style="primary",
            hint="Approve: use the kept drafts",
            said="Approved the kept drafts: {heading}.",
            write=_approve,
            state_after=ReviewState.DONE,
            lesson=lessons.approved_drafts,
            badge="Approved",
            tone="good",
            puts_in_force="turn",
            noun="approval",
        ),
        VerdictRow(
            Verdict.OVERRIDE,
            label="Drop",
            hint="Drop draft {draft}",
            box=Box(
                "critique",
                "What is wrong with it?",
                "Drop draft {draft}",
                rows=3,
                style="",
                optional="(optional; the AI check learns from it)",
            ),
            said="Draft {draft} is dropped.",
            about=About.DRAFT,
            judgement=Judgement.NOT_REASONABLE,
            write=_drop,
            state_after=ReviewState.OPEN,
            lesson=lessons.dropped_draft,
            badge="Dropped a draft",
            tone="human",
        ),
        VerdictRow(
            Verdict.OVERRIDE,
            label="Keep",
            hint="Keep draft {draft}",
            said="Draft {draft} is kept.",
            about=About.DRAFT,
            judgement=Judgement.REASONABLE,
            write=_keep,
            state_after=ReviewState.OPEN,
            lesson=lessons.kept_draft,
            badge="Kept a draft",
            tone="human",
        ),
        VerdictRow(
            Verdict.EDIT,
            label="Edit",
            key="e",
            hint="Edit the draft that has the focus, or the first",
            box=replace(_TEXT, label="Your text in place of draft {draft}", send="Use my text", rows=7),
            said="Draft {draft} has your text now. Approve when all drafts are as they should be.",
            about=About.DRAFT,
            write=_edit_draft,
            state_after=ReviewState.OPEN,
            lesson=None,  # the approval that keeps the edit teaches it
            badge="Edited a draft",
            tone="good",
        ),
        VerdictRow(
            Verdict.REJECT,
            label="Reject all",
            key="x",
            style="danger",
            hint="Reject: nobody uses this text",
            box=replace(_WHY, send="Reject all"),
            takes_reason=True,
            said="Rejected: {heading}. Nobody uses these drafts.",
            about=About.EVERYTHING,
            write=_reject_all,
            state_after=ReviewState.DONE,
            lesson=lessons.rejected_drafts,
            badge="Rejected",
            tone="bad",
            takes_out=True,
        ),
    ),
}


_ALTHOUGH = Box(
    "although",
    "The evidence says otherwise in places. Why is the text right all the same?",
    "Approve all the same",
    rows=3,
    missing="Say why it is right all the same, or change what is wrong.",
)


def over_evidence(row: VerdictRow) -> VerdictRow:
    """An approval of a text whose evidence says otherwise: it asks why."""
    return replace(row, box=_ALTHOUGH, takes_reason=True)


def every() -> list[VerdictRow]:
    """The rows of all strategies."""
    return [row for rows in ROWS.values() for row in rows]


def of_strategy(strategy: str) -> tuple[VerdictRow, ...]:
    return ROWS[Strategy(strategy)]


def find(rows: Sequence[VerdictRow], name: str, judgement: str = "") -> VerdictRow | None:
    """Of these rows the one with this name, and with this judgement where it tells verdicts apart."""
    named = (row for row in rows if row.name == name)
    return next((row for row in named if row.judgement in (None, judgement)), None)


def of_decision(decision: Decision, strategy: str) -> VerdictRow:
    """The verdict that a stored decision is. Reads `made_turn` only where a judgement tells verdicts apart."""
    named = [row for row in of_strategy(strategy) if row.name == decision.verdict]
    if len(named) == 1:
        return named[0]
    assert decision.made_turn is not None, "a database constraint: a judgement of a draft makes a turn"
    return next(row for row in named if row.judgement == decision.made_turn.verdict)
