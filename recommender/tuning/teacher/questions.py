"""What to ask a teacher next about one case, and what its answers came to: pure, from the stored answers alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from recommender.llm.types import Prompt
from recommender.rounds.core import parsing
from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.parsing import ParsedReflection
from recommender.rounds.core.prompts import Step, render_repair
from recommender.tuning.teacher import prompts
from recommender.tuning.teacher.cells import Cell, cell
from recommender.tuning.teacher.parsing import Predicted, names_target, parse_prediction
from recommender.tuning.teacher.triples import Triple

T = TypeVar("T")
ANSWERS_A_STEP = 2  # the first, and the one after it was sent back once
Outcome = Literal["agreed", "judged_down", "unnoticed", "mended", "not_mended", "malformed", "names_target"]


@dataclass(frozen=True, slots=True)
class Reply:
    """A stored answer to a step's prompt, readable or not."""

    step: str
    text: str
    finish_reason: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A prompt to send; `repairs`: it sends a malformed answer back."""

    step: Step
    prompt: Prompt
    repairs: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a case. Texts are there as far as the outcome needs them for rows."""

    outcome: Outcome
    text: str = ""
    critique: str = ""
    refined: str = ""


class _Unanswered(Exception):  # noqa: N818 - not an error: it carries what comes next
    def __init__(self, move: Ask | Done) -> None:
        self.move = move


def next_move(triple: Triple, *, label: bool, replies: Sequence[Reply]) -> Ask | Done:
    """Reason, reflect, and refine where the four-cell rule asks for it. `replies`: oldest first."""
    try:
        return _Case(triple, label, replies).walk()
    except _Unanswered as unanswered:
        return unanswered.move


class _Case:
    def __init__(self, triple: Triple, label: bool, replies: Sequence[Reply]) -> None:
        self._triple, self._label, self._replies = triple, label, replies

    def walk(self) -> Done:
        first = self._predicted("reason", prompts.render(self._triple, "reason"))
        judged = self._judged(prompts.render(self._triple, "reflect", rationale=first.text))
        reasonable = judged.verdict == "reasonable"
        found = cell(label=self._label, predicted=first.likes, reasonable=reasonable)
        if found is not Cell.TO_REFINE:
            return Done(found.value, first.text)  # type: ignore[arg-type] # the cells' values are outcomes
        prompt = prompts.render(self._triple, "refine", rationale=first.text, critique=judged.critique)
        second = self._predicted("refine", prompt)
        found = cell(label=self._label, predicted=first.likes, reasonable=reasonable, refined=second.likes)
        return Done(found.value, first.text, judged.critique, second.text)  # type: ignore[arg-type] # see above

    def _predicted(self, step: Step, prompt: Prompt) -> Predicted:
        def read(reply: Reply) -> Predicted:
            kind = self._triple.subject.kind
            return parse_prediction(reply.text, subject_kind=kind, finish_reason=reply.finish_reason)

        found = self._read(step, prompt, read)
        self._keep_target_out(found.text)
        return found

    def _judged(self, prompt: Prompt) -> ParsedReflection:
        def read(reply: Reply) -> ParsedReflection:
            return parsing.parse_reflection(reply.text, finish_reason=reply.finish_reason)

        found = self._read("reflect", prompt, read)
        self._keep_target_out(found.critique)
        return found

    def _read(self, step: Step, prompt: Prompt, read: Callable[[Reply], T]) -> T:
        """The step's first readable answer; without one, what to ask, or that asking is no use."""
        move: Ask | Done = Ask(step, prompt)
        answers = [reply for reply in self._replies if reply.step == step]
        for number, reply in enumerate(answers, start=1):
            try:
                return read(reply)
            except MalformedAnswerError as error:
                repair = Ask(step, render_repair(prompt, reply.text, error), repairs=True)
                move = repair if number < ANSWERS_A_STEP else Done("malformed")
        raise _Unanswered(move)

    def _keep_target_out(self, text: str) -> None:
        if names_target(text, self._triple.target_title):
            raise _Unanswered(Done("names_target"))
