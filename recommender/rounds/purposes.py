"""How rounds for keywords and for traces ask, read, and go on without asking: what a strategy's loop does not say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from recommender.llm.types import Prompt
from recommender.rounds.core import keywords, prose, trace_answers
from recommender.rounds.core.echoes import Asked
from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.keyword_answers import parse_keywords
from recommender.rounds.core.loop import Reason, Refine, Reflect, Step
from recommender.rounds.core.prompts import thinkrec as prompts
from recommender.rounds.core.types import StrategyName, Subject, TurnValue

FEWEST_REASONS = 3  # words of a person's own


@dataclass(frozen=True, slots=True)
class Written:
    """A turn that needs no model: an item's attributes as its keywords, or what the label says of an answer."""

    text: str
    judgement: str = ""


@dataclass(frozen=True, slots=True)
class Purpose:
    """`prompt`: of a step. `read`: the text in an answer, or MalformedAnswerError. `alone`: a step's turn without a
    model, None where one is asked. `problem`: what is wrong with a person's own text, empty where nothing is."""

    prompt: Callable[[Subject, Step, Mapping[int, TurnValue], bool], Prompt]
    read: Callable[[str, Subject, str, Asked], str]
    alone: Callable[[Subject, Step, Mapping[int, TurnValue]], Written | None]
    problem: Callable[[Subject, str], str]
    tidied: Callable[[str], str]


def _keyword_prompt(subject: Subject, _step: Step, _turns: Mapping[int, TurnValue], structured: bool) -> Prompt:
    return prompts.render_keywords(subject, structured=structured)


def _read_keywords(answer: str, subject: Subject, finish_reason: str, _asked: Asked) -> str:
    found = parse_keywords(answer, prompts.searched(subject), finish_reason=finish_reason)
    return keywords.text_of(found.kept)


def _from_attributes(subject: Subject, step: Step, _turns: Mapping[int, TurnValue]) -> Written | None:
    is_described = keywords.is_described(subject.attributes) or not isinstance(step, Reason)
    return None if is_described else Written(keywords.text_of(keywords.of_attributes(subject.attributes)))


def left_out(answer: str, subject: Subject) -> tuple[str, ...]:
    """What an answer named that its source does not have; nothing where it cannot be read (any more)."""
    try:
        return parse_keywords(answer, prompts.searched(subject)).left_out
    except MalformedAnswerError:
        return ()


def _wrong_keywords(subject: Subject, text: str) -> str:
    entries = keywords.listed(text)
    found, number = keywords.checked(entries, prompts.searched(subject)), len(keywords.cleaned(entries))
    if found.left_out:
        return f"Not found in what is shown: {keywords.text_of(found.left_out)}. Leave that out."
    if found.kept and (none := keywords.refused(entries)):
        return (
            f"No keywords: {keywords.text_of(none)}. Leave that out: a keyword has no digits and at most "
            f"{keywords.MOST_WORDS} words, and says what the item is about."
        )
    if number > keywords.MOST:
        return f"These are {number} keywords. At most {keywords.MOST} are used: leave some out."
    return "" if found.kept else "None of this is a keyword. Write words of what is shown, with commas between them."


def _tidy_keywords(text: str) -> str:
    return keywords.text_of(keywords.cleaned(keywords.listed(text))[: keywords.MOST])


def _trace_prompt(subject: Subject, step: Step, turns: Mapping[int, TurnValue], _structured: bool) -> Prompt:
    """After a wrong answer: the question, the answer and the hint. Only the last pair is shown."""
    prompt = prompts.render_trace(_with_target(subject))
    if not isinstance(step, Refine):
        return prompt
    wrong, critique = turns[step.about].text, turns[step.critique].text
    further = ({"role": "assistant", "content": wrong}, {"role": "user", "content": critique})
    return replace(prompt, messages=(*prompt.messages, *further))


def _read_trace(answer: str, _subject: Subject, finish_reason: str, asked: Asked) -> str:
    return trace_answers.parse_trace(answer, finish_reason=finish_reason, asked=asked).text


def _by_label(subject: Subject, step: Step, turns: Mapping[int, TurnValue]) -> Written | None:
    """What the label says of an answer: right, or a hint that names the right one."""
    if not isinstance(step, Reflect):
        return None
    liked = bool(_with_target(subject).asked[0].liked)
    read = trace_answers.answer_of(turns[step.about].text)
    if read is not None and read[0] == liked:
        return Written("", "reasonable")
    hints = sum(turn.kind == "reflect" for turn in turns.values())
    return Written(prompts.hint(hints, liked=liked), "not_reasonable")


def _wrong_trace(subject: Subject, text: str) -> str:
    read = trace_answers.answer_of(text)
    label = prompts.EVALUATION[bool(_with_target(subject).asked[0].liked)]
    if read is None or prompts.EVALUATION[read[0]] != label:
        return f"The answer is {label}: begin with “{label}.” and say why."
    return "" if prose.words(read[1]) >= FEWEST_REASONS else "Say why, after the first word."


def _tidy_trace(text: str) -> str:
    """As a model's: "No – they …" is "No. they …"."""
    read = trace_answers.answer_of(text.strip())
    return trace_answers.Trace(*read).text if read else text.strip()


def _with_target(subject: Subject) -> Subject:
    if not subject.asked:
        raise ValueError("What this trace is about was erased.")
    return subject


PURPOSES: Mapping[StrategyName, Purpose] = {
    "keywords": Purpose(_keyword_prompt, _read_keywords, _from_attributes, _wrong_keywords, _tidy_keywords),
    "trace": Purpose(_trace_prompt, _read_trace, _by_label, _wrong_trace, _tidy_trace),
}


TAGS = {"reason": "first_try", "refine": "hinted", "edit": "human"}


def tag(turns: Sequence[TurnValue], index: int) -> str:
    """How a trace came about: `first_try`, `hinted` (so it knew the answer), or `human`."""
    return TAGS[next(turn.kind for turn in turns if turn.index == index)]
