"""What a row of the table of verdicts is (room.verdicts), and what it writes from."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from django.template.defaultfilters import pluralize

from recommender.knowledge.service import Change
from recommender.models import Account, Judgement, Round, Turn
from recommender.tuning.rows import Row
from reviews.choices import ReviewState
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

    def pressed(self, *, kept: int, draft: int | None = None) -> str:
        """What the button that sends it says."""
        label = self.box.send if self.box else f"{self.label}{self.wide_label}"
        return label.format(kept=kept, s=pluralize(kept), draft=draft or "")

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


WHY = Box("reason", "Why?", "Reject", rows=3, style="danger", optional="(optional)")
TEXT = Box(
    "text",
    "Your version",
    "Save and approve",
    rows=9,
    missing="Write the text that should be used.",
    unchanged="You have not changed the text. Approve it, or change it first.",
)
