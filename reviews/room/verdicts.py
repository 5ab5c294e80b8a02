"""The verdicts: one row for each that an annotator can give, for each strategy of a round.

Form, card, decision, messages, badges, training sets and a version's receipt all read these rows; a new verdict is a
new row (and a name in `choices.Verdict`, where the decisions are stored). Labels may name {heading}, {draft} (its
number), {kept} (how many) and {s} (the plural's).
"""

from collections.abc import Sequence
from dataclasses import replace

from recommender.knowledge.service import accept, reject
from recommender.models import Judgement, Strategy, TurnKind
from recommender.rounds.service import add_edit, add_override, judge_draft
from reviews.choices import ReviewState, Verdict
from reviews.models import Decision
from reviews.room import lessons, thinkrec_verdicts
from reviews.room.verdict_row import TEXT, WHY, About, Box, VerdictRow, Writing, Written


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


ROWS: dict[Strategy, tuple[VerdictRow, ...]] = thinkrec_verdicts.ROWS | {
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
            box=TEXT,
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
            box=WHY,
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
            box=replace(TEXT, label="Your text in place of draft {draft}", send="Use my text", rows=7),
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
            box=replace(WHY, send="Reject all"),
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


NAMED = 3  # points that the question why names
_ALTHOUGH = Box(
    "although",
    "The evidence says otherwise: {}. Why is the text right all the same?",
    "Approve all the same",
    rows=3,
    missing="Say why it is right all the same, or change what is wrong.",
)


def over_evidence(row: VerdictRow, of: Sequence[str]) -> VerdictRow:
    """An approval of a text whose evidence says otherwise: it asks why. `of`: each point, in words."""
    more = f"; and {len(of) - NAMED} more" if len(of) > NAMED else ""
    named = "; ".join(of[:NAMED]).replace("{", "{{").replace("}", "}}")  # a label has places for words
    return replace(row, box=replace(_ALTHOUGH, label=_ALTHOUGH.label.replace("{}", named + more)))


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
