"""The verdicts on keywords and traces, which are no knowledge: approve, edit, reject, by the keys of all cards."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from recommender.knowledge.service import approve, disapprove
from recommender.models import Strategy
from recommender.rounds.purposes import PURPOSES
from recommender.rounds.service import add_edit
from recommender.tuning.rows import Row
from reviews.choices import ReviewState, Verdict
from reviews.room import lessons
from reviews.room.lessons import Lesson
from reviews.room.verdict_row import TEXT, WHY, Box, VerdictRow, Writing, Written


def _approve(writing: Writing) -> Written:
    return Written(change=approve(writing.about))


def _edit(writing: Writing) -> Written:
    text = PURPOSES[writing.round.strategy].tidied(writing.text)  # type: ignore[index] # Strategy's values
    edit = add_edit(writing.round, about=writing.about, text=text, account=writing.account)
    return Written(edit, approve(edit))


def _reject(writing: Writing) -> Written:
    return Written(change=disapprove(writing.about))


def _rows(noun: str, edited: Box, *, lesson: Callable[[Lesson], Iterator[Row]] | None) -> tuple[VerdictRow, ...]:
    """The verdicts on what is no knowledge, by the same keys. Nothing is sent back: an edit is as quick."""
    return (
        VerdictRow(
            Verdict.APPROVE,
            label="Approve",
            key="a",
            style="primary",
            hint=f"Approve: use {noun}",
            said="Approved: {heading}.",
            write=_approve,
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
            write=_edit,
            state_after=ReviewState.DONE,
            lesson=lesson,
            badge="Edited",
            tone="good",
        ),
        VerdictRow(
            Verdict.REJECT,
            label="Reject",
            key="x",
            style="danger",
            hint=f"Reject: nobody uses {noun}",
            box=WHY,
            takes_reason=True,
            said="Rejected: {heading}. Nobody uses this.",
            write=_reject,
            state_after=ReviewState.DONE,
            lesson=None,
            badge="Rejected",
            tone="bad",
            takes_out=True,
        ),
    )


ROWS: dict[Strategy, tuple[VerdictRow, ...]] = {
    Strategy.KEYWORDS: _rows(
        "these keywords",
        replace(
            TEXT,
            label="Your keywords, with commas between them",
            rows=3,
            missing="Write the keywords that should be used.",
            unchanged="You have not changed the keywords. Approve them, or change them first.",
        ),
        lesson=None,
    ),
    Strategy.TRACE: _rows("this trace", replace(TEXT, label="Your reasons, after Yes or No"), lesson=lessons.trace),
}
