"""R4ec's other strategy, reflection as a filter: several sampled drafts, and which of them are kept.

METHODS.md section 1.5: sample first drafts, judge each, drop those judged not reasonable, use the mean of the vectors
of the rest; where all are rejected, of all. A person's word on a draft outranks the reflector's. Turns are given
oldest first, and every number returned is a `TurnValue.index`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from recommender.rounds.core.types import TurnValue

JUDGING = ("reflect", "override")


@dataclass(frozen=True, slots=True)
class Draft:
    """One sampled draft as it stands. `index`: its latest text, which is a person's edit where there is one.

    `judgement`: the index of the last word on that text, None when nobody judged it (an edit needs no judgement).
    `repeats`: the index of the earlier draft that it says again, word for word; such a draft counts once.
    """

    first: int
    index: int
    judgement: int | None
    stands: bool  # judged reasonable, or a person's own text that nobody dropped
    dropped_by_person: bool
    repeats: int | None


def of(turns: Sequence[TurnValue]) -> list[Draft]:
    """All drafts in the order they were sampled."""
    drafts: list[Draft] = []
    said: dict[tuple[str, ...], int] = {}
    for first in (turn for turn in turns if turn.kind == "reason"):
        latest = _latest(turns, first)
        judged = judgement(turns, latest)
        earlier = said.setdefault(tuple(latest.text.split()), latest.index)
        drafts.append(
            Draft(
                first=first.index,
                index=latest.index,
                judgement=judged.index if judged else None,
                stands=judged.verdict == "reasonable" if judged else latest.kind == "edit",
                dropped_by_person=bool(judged and judged.kind == "override" and judged.verdict == "not_reasonable"),
                repeats=earlier if earlier != latest.index else None,
            )
        )
    return drafts


def unjudged(turns: Sequence[TurnValue]) -> int | None:
    """The first draft that the reflector has still to judge."""
    waiting = (d for d in of(turns) if d.judgement is None and d.repeats is None and d.index == d.first)
    return next((draft.index for draft in waiting), None)


def kept(turns: Sequence[TurnValue]) -> list[int]:
    """The texts to use: those that stand; where none does, all that no person dropped. Repetitions count once."""
    drafts = [draft for draft in of(turns) if draft.repeats is None]
    standing = [draft.index for draft in drafts if draft.stands]
    return standing or [draft.index for draft in drafts if not draft.dropped_by_person]


def some_stand(turns: Sequence[TurnValue]) -> bool:
    return any(draft.stands for draft in of(turns))


def judgement(turns: Sequence[TurnValue], rationale: TurnValue) -> TurnValue | None:
    """The last word on a rationale; a person's override outranks the reflector, whichever came later."""
    about = [turn for turn in turns if turn.kind in JUDGING and turn.about == rationale.index]
    overrides = [turn for turn in about if turn.kind == "override"]
    words = overrides or about
    return words[-1] if words else None


def _latest(turns: Sequence[TurnValue], first: TurnValue) -> TurnValue:
    latest = first
    for turn in turns:
        if turn.kind == "edit" and turn.about == latest.index:
            latest = turn
    return latest
