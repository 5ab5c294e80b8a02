"""A round's turns and drafts as the card shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from recommender.llm.labels import Label, label_of
from recommender.models import Judgement, Turn, TurnKind
from recommender.rounds import queries
from recommender.rounds.core import drafts as filtering
from reviews.room.diff import Segment, word_diff
from reviews.room.verdict_row import About, VerdictRow


@dataclass(frozen=True)
class TurnOnCard:
    """A turn, and the rationale it was made from or judges."""

    turn: Turn
    about: Turn | None

    @property
    def model(self) -> str:
        return self.turn.call.model if self.turn.call else ""

    @property
    def label(self) -> Label | None:
        return label_of(self.model)

    @property
    def is_human(self) -> bool:
        return self.turn.kind in (TurnKind.EDIT, TurnKind.OVERRIDE)

    @property
    def is_refused(self) -> bool:
        return self.turn.verdict == Judgement.NOT_REASONABLE

    @property
    def tone(self) -> str:
        """The timeline's colour; the words beside it say the same."""
        if self.is_human:
            return "human"
        if not self.turn.verdict:
            return "info"
        return "bad" if self.is_refused else "good"

    @cached_property
    def changes(self) -> list[Segment] | None:
        """Word diff from the rationale this one was made from; None for a first draft and for reflections."""
        if self.about is None or not self.turn.is_rationale:
            return None
        return word_diff(self.about.text, self.turn.text)


@dataclass(frozen=True)
class DraftOnCard:
    """A draft of a filtered round as it stands: its latest text, and the last word on it."""

    number: int
    first: Turn
    text: TurnOnCard
    judgement: TurnOnCard | None
    is_kept: bool
    repeats: int | None  # the number of the draft that it repeats
    verdicts: list[VerdictRow]  # that the viewer may give on it now

    @property
    def key(self) -> str:
        """The key that drops or restores it; none from the tenth on."""
        return str(self.number) if self.number <= 9 else ""


def drafts(turns: Sequence[TurnOnCard], verdicts: Sequence[VerdictRow]) -> list[DraftOnCard]:
    """The drafts of a filtered round, in the order they were sampled; each with those of `verdicts` that fit it."""
    values = queries.turn_values([each.turn for each in turns])
    kept, standing = filtering.kept(values), filtering.of(values)
    on_card = {each.turn.index: each for each in turns}
    number_of = {draft.index: number for number, draft in enumerate(standing, start=1)}
    return [
        DraftOnCard(
            number=number_of[draft.index],
            first=on_card[draft.first].turn,
            text=on_card[draft.index],
            judgement=None if draft.judgement is None else on_card[draft.judgement],
            is_kept=draft.index in kept,
            repeats=None if draft.repeats is None else number_of[draft.repeats],
            verdicts=[] if draft.repeats is not None else _fitting(verdicts, is_kept=draft.index in kept),
        )
        for draft in standing
    ]


def _fitting(verdicts: Sequence[VerdictRow], *, is_kept: bool) -> list[VerdictRow]:
    """A kept draft can be dropped, a dropped one kept; whatever needs no judgement fits both."""
    other = Judgement.NOT_REASONABLE if is_kept else Judgement.REASONABLE
    return [row for row in verdicts if row.about is About.DRAFT and row.judgement in (None, other)]
