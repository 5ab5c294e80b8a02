"""Read what models answer: lenient about form, strict about meaning.

Models add fences, thinking blocks, labels and stray tags, leave tags open, and misspell them; all of that is read. What
is not there is never made up: a missing verdict or critique, or noise, raises MalformedAnswerError with a message that
a model can act on, since the answer goes back once (prompts.render_repair). And what is only quoted is no answer: JSON
inside prose, marks that the data holds, the prompt said again (`echoes`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from recommender.rounds.core import answer_parts, echoes, prose
from recommender.rounds.core.answer_objects import judgement_and_critique, objects_in, whole_object
from recommender.rounds.core.asides import without_asides
from recommender.rounds.core.echoes import NOBODY, Asked
from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.judgements import Judgement, judgement_in, objects
from recommender.rounds.core.types import JudgementName, Kind
from recommender.rounds.core.wrapping import unwrapped

MIN_RATIONALE, MAX_RATIONALE = 8, 600  # words; about 200 are asked for
MIN_CRITIQUE, MAX_CRITIQUE = 3, 600
MIN_OBJECTION = 2  # words beside the judgement itself: not reasonable (missing westerns)
MAX_CHARACTERS = 12_000  # of one rationale or critique
NAMES: dict[Kind, str] = {"end_user": "user preference", "item": "item knowledge"}

_ANY_TAG = re.compile(r"<[ ]?/?[ ]?[A-Za-z][A-Za-z _-]{0,40}/?\s*>")
_LABEL = (
    r"(?:refined|updated|final|revised)?[\s_-]*(?:user[\s_-]*preferences?|(?:item|book|movie|product)?[\s_-]*knowledge)"
)
_RATIONALE_TAGS = re.compile(rf"<\s*{_LABEL}\s*>(.*?)(?:<\s*/\s*{_LABEL}\s*>|\Z)", re.DOTALL | re.IGNORECASE)

_CRITIQUE_CLOSED = re.compile(rf"<\s*/\s*{answer_parts.CRITIQUE}\s*>", re.IGNORECASE)
_PARAGRAPHS = re.compile(r"\n\s*\n")
_LIST = re.compile(rf"^{prose.LIST_MARK}\S", re.MULTILINE)
_KEPT_BACK = {
    "refusal": "The model refused to answer",
    "content_filter": "The endpoint's content filter withheld the answer",
    "tool_calls": "The model called a tool instead of answering",
    "function_call": "The model called a tool instead of answering",
}
CUT_OFF = "it was cut off at the token limit; write at most 200 words"


@dataclass(frozen=True, slots=True)
class ParsedReflection:
    """One judgement. `critique` is empty exactly when the verdict is "reasonable"."""

    verdict: JudgementName
    critique: str


def parse_rationale(text: str, *, subject_kind: Kind, finish_reason: str = "", asked: Asked = NOBODY) -> str:
    """The rationale in an actor's answer, tidied.

    `finish_reason`: why the endpoint says that it ends, "length" where it was cut off. `asked`: what the answer must
    not merely repeat.
    """
    name = NAMES[subject_kind]
    check_end(text, finish_reason)
    if finish_reason == "length":
        raise MalformedAnswerError(f"The {name} is not complete: {CUT_OFF}.")
    text = unwrapped(text)
    if found := whole_object(text):
        strings = [value for value in found.values() if isinstance(value, str)]
        text = strings[0] if len(strings) == 1 else text
    tagged = _RATIONALE_TAGS.search(text)
    text = _tidy(without_asides(_ANY_TAG.sub(" ", tagged[1] if tagged else text)))
    count = prose.words(text)
    if count < MIN_RATIONALE:
        raise MalformedAnswerError(f"The {name} is missing or too short ({count} words); write up to 200 words.")
    _check("The " + name, text, count, MAX_RATIONALE, asked)
    if problem := echoes.problem(text, asked):
        raise MalformedAnswerError(f"The {name} is missing: {problem}.")
    return text


def parse_reflection(
    text: str, *, structured: bool = False, finish_reason: str = "", asked: Asked = NOBODY
) -> ParsedReflection:
    """The verdict and critique in a reflector's answer.

    With a schema (`structured`) it is the JSON object that the answer is, or the last one in it; without one, R4ec's
    two tags, two headed or labelled parts, or a plain sentence with its reasons. What `asked` holds as data is no
    verdict when it is quoted.
    """
    check_end(text, finish_reason)
    text = unwrapped(text)
    cut_off = finish_reason == "length" and not _CRITIQUE_CLOSED.search(text)
    whole = whole_object(text)
    found = [whole] if whole else [*objects_in(text)] if structured else []
    said = [
        fields for each in found if (fields := judgement_and_critique(each)) and (whole or not asked.shows(str(each)))
    ]
    if said:
        return _reflection([said[-1][0]], said[-1][1], cut_off=False, asked=asked)
    if parts := answer_parts.parts_of(text, asked):
        return _reflection(parts.judgements, parts.critique, cut_off=cut_off, asked=asked)
    raise MalformedAnswerError("There is no final judgement; say whether the text is reasonable or not reasonable.")


def _reflection(judgements: Sequence[str], critique: str, *, cut_off: bool, asked: Asked) -> ParsedReflection:
    """What the judgements say together. A yes that takes something back is a no, with what it takes back."""
    read = [found for judgement in judgements if (found := judgement_in(_ANY_TAG.sub(" ", judgement)))]
    if len({each.verdict for each in read}) != 1:
        raise MalformedAnswerError("The final judgement is not clear; say either reasonable or not reasonable, once.")
    judgement = read[-1]
    critique = _tidy(without_asides(_ANY_TAG.sub(" ", critique)))
    least = MIN_CRITIQUE
    if answer_parts.is_empty(critique):
        critique, least = _tidy(judgement.objection), MIN_OBJECTION
    if judgement.verdict == "reasonable" and (judgement.hedge == "none" or _takes_nothing_back(judgement, critique)):
        return ParsedReflection("reasonable", "")
    if cut_off:
        raise MalformedAnswerError(f"The reflection is not complete: {CUT_OFF}.")
    count = prose.words(critique)
    if answer_parts.is_empty(critique) or count < least:
        raise MalformedAnswerError("The reflection is missing: say what makes the text not reasonable.")
    _check("The reflection", critique, count, MAX_CRITIQUE, asked)
    return ParsedReflection("not_reasonable", critique)


def _takes_nothing_back(judgement: Judgement, critique: str) -> bool:
    return judgement.hedge == "slight" and not objects(critique)


def _check(name: str, text: str, count: int, most: int, asked: Asked) -> None:
    if count > most or len(text) > MAX_CHARACTERS:
        raise MalformedAnswerError(f"{name} is too long ({count} words); write at most 200 words.")
    if problem := prose.problem(asked.without_titles(text)):
        raise MalformedAnswerError(f"{name} cannot be read: {problem}.")


def check_end(text: str, finish_reason: str) -> None:
    """An answer that the endpoint itself says is none."""
    if why := _KEPT_BACK.get(finish_reason):
        said = " ".join(text.split())[:200]
        raise MalformedAnswerError(f"{why}: {said}" if said else f"{why}.")


def _tidy(text: str) -> str:
    """Without outer quotes and with ordinary white space; paragraphs and the lines of lists stay."""
    paragraphs = []
    for part in _PARAGRAPHS.split(text):
        lines = part.splitlines() if _LIST.search(part) else [part]
        paragraphs.append("\n".join(" ".join(line.split()) for line in lines))
    text = "\n\n".join(filter(None, (paragraph.strip() for paragraph in paragraphs)))
    if len(text) > 1 and (text[0], text[-1]) in {('"', '"'), ("“", "”")} and not set(text[1:-1]) & set('"“”'):
        text = text[1:-1].strip()
    return text
