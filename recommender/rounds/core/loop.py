"""R4ec's loop: which step comes next for one round, from its stored turns alone. `STRATEGIES` says what each one does.

*Iterative refinement*: a first rationale, then judge and refine in turn until the text is judged reasonable or the
budget is spent. Unlike the published code, the last refinement is judged too, and a round also rests when refining gets
nowhere. *Reflection as a filter*: several drafts, each judged once (`rounds.core.drafts`). *Keywords*: one list,
checked while it is read. *Traces*: the label judges, and the hint after a wrong answer is the critique. Turns are given
oldest first, and every number returned is a `TurnValue.index`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from recommender.rounds.core import drafts as filtering
from recommender.rounds.core.drafts import JUDGING, judgement
from recommender.rounds.core.types import StrategyName, TurnValue

RestReasonName = Literal[
    "reasonable", "edited", "unchanged", "oscillating", "budget", "kept", "all_rejected", "checked", "wrong"
]


@dataclass(frozen=True, slots=True)
class Reason:
    """The actor writes a first rationale. `draft`: its number among of those to be filtered; None where it is alone."""

    draft: int | None = None


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


@dataclass(frozen=True, slots=True)
class Strategy:
    """What a strategy does with a round's turns.

    `next_step`: of turns, refinements allowed and drafts wanted. `proposed`: the rationales to propose to people.
    `rests_after_person`: why the round rests once a person has written a text or judged a draft. `samples_drafts`:
    several first drafts stand beside each other; else one text is made better.
    """

    next_step: Callable[[Sequence[TurnValue], int, int], Step]
    proposed: Callable[[Sequence[TurnValue]], list[int]]
    rests_after_person: Callable[[Sequence[TurnValue]], RestReasonName]
    samples_drafts: bool


def _refine(turns: Sequence[TurnValue], refinements: int, _drafts: int) -> Step:
    """Judge and refine in turn. `refinements`: how many the actor may make, counted anew from the last override.

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
    judged = judgement(turns, latest)
    if judged is not None and judged.verdict == "reasonable":
        return Rest("reasonable")
    repeats = _repeats(turns, rationales[:-1], latest)
    if repeats is not None:
        return Rest(repeats)
    if judged is None:
        return Reflect(about=latest.index)
    since = override.index if override is not None else -1
    made = sum(turn.kind == "refine" and turn.index > since for turn in turns)
    return Refine(about=latest.index, critique=judged.index) if made < refinements else Rest("budget")


def _filter(turns: Sequence[TurnValue], _refinements: int, drafts: int) -> Step:
    """Ask for so many drafts, judge each, and rest: nothing is refined."""
    written = sum(turn.kind == "reason" for turn in turns)
    if written < drafts:
        return Reason(draft=written + 1)
    unjudged = filtering.unjudged(turns)
    if unjudged is not None:
        return Reflect(about=unjudged)
    return Rest(_filtered(turns))


def _filtered(turns: Sequence[TurnValue]) -> RestReasonName:
    return "kept" if filtering.some_stand(turns) else "all_rejected"


def _keywords(turns: Sequence[TurnValue], _refinements: int, _drafts: int) -> Step:
    if not turns:
        return Reason()
    return Rest("edited" if turns[-1].kind == "edit" else "checked")


def _trace(turns: Sequence[TurnValue], retries: int, _drafts: int) -> Step:
    """Answer, hold the answer against the label, and answer again after a hint, at most `retries` times."""
    rationales = [turn for turn in turns if turn.kind not in JUDGING]
    if not rationales:
        return Reason()
    latest = rationales[-1]
    if latest.kind == "edit":
        return Rest("edited")
    judged = judgement(turns, latest)
    if judged is None:
        return Reflect(about=latest.index)
    if judged.verdict == "reasonable":
        return Rest("reasonable")
    made = sum(turn.kind == "refine" for turn in turns)
    return Refine(about=latest.index, critique=judged.index) if made < retries else Rest("wrong")


def _right(turns: Sequence[TurnValue]) -> list[int]:
    """The latest trace if a person wrote it, or if its answer is the label."""
    rationales = [turn for turn in turns if turn.kind not in JUDGING]
    if not rationales:
        return []
    latest = rationales[-1]
    judged = judgement(turns, latest)
    stands = latest.kind == "edit" or (judged is not None and judged.verdict == "reasonable")
    return [latest.index] if stands else []


def _only_best(turns: Sequence[TurnValue]) -> list[int]:
    index = best(turns)
    return [] if index is None else [index]


def by_models(turns: Sequence[TurnValue], *, refinements: int) -> list[TurnValue]:
    """The turns there would be with a budget of so many refinements, had no person done anything."""
    theirs: list[TurnValue] = []
    for turn in turns:
        refined = sum(earlier.kind == "refine" for earlier in theirs)
        if turn.kind in ("edit", "override") or (turn.kind == "refine" and refined >= refinements):
            break
        theirs.append(turn)
    return theirs


def best(turns: Sequence[TurnValue]) -> int | None:
    """The index of the rationale to propose to people; None when there is none yet.

    A person's edit wins while it is the latest text and stands; then the latest rationale judged reasonable, then the
    latest judged at all, then the latest. An override takes back what a reflection said.
    """
    rationales = [turn for turn in turns if turn.kind not in JUDGING]
    if not rationales:
        return None
    verdicts = {turn.index: word.verdict for turn in rationales if (word := judgement(turns, turn))}
    if rationales[-1].kind == "edit" and verdicts.get(rationales[-1].index) != "not_reasonable":
        return rationales[-1].index
    reasonable = [index for index, verdict in verdicts.items() if verdict == "reasonable"]
    return max(reasonable or verdicts or [rationales[-1].index])


def _about(turn: TurnValue) -> int:
    if turn.about is None:
        raise ValueError(f"turn {turn.index} ({turn.kind}) does not say which rationale it is about")
    return turn.about


def _repeats(
    turns: Sequence[TurnValue], earlier: Sequence[TurnValue], latest: TurnValue
) -> Literal["unchanged", "oscillating"] | None:
    """Whether the latest text is an earlier, already judged one. Only white space may differ."""
    text = latest.text.split()
    same = [turn for turn in earlier if turn.text.split() == text and judgement(turns, turn) is not None]
    if not same:
        return None
    return "unchanged" if latest.about in {turn.index for turn in same} else "oscillating"


STRATEGIES: Mapping[StrategyName, Strategy] = {
    "refine": Strategy(_refine, _only_best, lambda _turns: "edited", samples_drafts=False),
    "filter": Strategy(_filter, filtering.kept, _filtered, samples_drafts=True),
    "keywords": Strategy(_keywords, _only_best, lambda _turns: "edited", samples_drafts=False),
    "trace": Strategy(_trace, _right, lambda _turns: "edited", samples_drafts=False),
}
