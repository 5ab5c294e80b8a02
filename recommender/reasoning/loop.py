"""R4ec's loop: which step comes next for one round, from its stored turns alone.

A first rationale, then judge and refine in turn until the text is judged reasonable or the budget is spent. Unlike the
published code, the last refinement is judged too, and a round also rests when refining gets nowhere. Turns are given
oldest first, and every number returned is a `TurnValue.index`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from recommender.reasoning.types import TurnValue

RestReasonName = Literal["reasonable", "edited", "unchanged", "oscillating", "budget"]
JUDGING = ("reflect", "override")


@dataclass(frozen=True, slots=True)
class Reason:
    """The actor writes the first rationale."""


@dataclass(frozen=True, slots=True)
class Reflect:
    """The reflector judges rationale `about`."""

    about: int


@dataclass(frozen=True, slots=True)
class Refine:
    """The actor rewrites rationale `about`, following the critique in turn `critique`."""

    about: int
    critique: int


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to ask until a person acts. `edited`: a person's own text stands, and no LLM judges it."""

    reason: RestReasonName


Step = Reason | Reflect | Refine | Rest


def next_step(turns: Sequence[TurnValue], *, refinements: int) -> Step:
    """Say what to do next. `refinements`: how many the actor may make, counted anew from the last override.

    An override always gets its refinement, even with no budget. A refinement that repeats a text already judged is not
    judged again: the round rests.
    """
    rationales = [turn for turn in turns if turn.kind not in JUDGING]
    if not rationales:
        return Reason()
    latest = rationales[-1]
    override = next((turn for turn in reversed(turns) if turn.kind == "override"), None)
    if override is not None and override.index > latest.index and override.verdict == "not_reasonable":
        return Refine(about=_about(override), critique=override.index)
    if latest.kind == "edit":
        return Rest("edited")
    judgement = _judgement(turns, latest)
    if judgement is not None and judgement.verdict == "reasonable":
        return Rest("reasonable")
    repeats = _repeats(turns, rationales[:-1], latest)
    if repeats is not None:
        return Rest(repeats)
    if judgement is None:
        return Reflect(about=latest.index)
    since = override.index if override is not None else -1
    made = sum(turn.kind == "refine" and turn.index > since for turn in turns)
    return Refine(about=latest.index, critique=judgement.index) if made < refinements else Rest("budget")


def best(turns: Sequence[TurnValue]) -> int | None:
    """The index of the rationale to propose to people; None when there is none yet.

    A person's edit wins while it is the latest text and stands; then the latest rationale judged reasonable, then the
    latest judged at all, then the latest. An override takes back what a reflection said.
    """
    rationales = [turn for turn in turns if turn.kind not in JUDGING]
    if not rationales:
        return None
    verdicts = {turn.index: judged.verdict for turn in rationales if (judged := _judgement(turns, turn))}
    if rationales[-1].kind == "edit" and verdicts.get(rationales[-1].index) != "not_reasonable":
        return rationales[-1].index
    reasonable = [index for index, verdict in verdicts.items() if verdict == "reasonable"]
    return max(reasonable or verdicts or [rationales[-1].index])


def _about(turn: TurnValue) -> int:
    if turn.about is None:
        raise ValueError(f"turn {turn.index} ({turn.kind}) does not say which rationale it is about")
    return turn.about


def _judgement(turns: Sequence[TurnValue], rationale: TurnValue) -> TurnValue | None:
    """The last word on a rationale; a person's override outranks the reflector, whichever came later."""
    about = [turn for turn in turns if turn.kind in JUDGING and turn.about == rationale.index]
    overrides = [turn for turn in about if turn.kind == "override"]
    found = overrides or about
    return found[-1] if found else None


def _repeats(
    turns: Sequence[TurnValue], earlier: Sequence[TurnValue], latest: TurnValue
) -> Literal["unchanged", "oscillating"] | None:
    """Whether the latest text is an earlier, already judged one. Only white space may differ."""
    text = latest.text.split()
    same = [turn for turn in earlier if turn.text.split() == text and _judgement(turns, turn) is not None]
    if not same:
        return None
    return "unchanged" if latest.about in {turn.index for turn in same} else "oscillating"
