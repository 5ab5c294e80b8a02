"""Read what models answer: lenient about form, strict about meaning.

Models add fences, thinking blocks, labels and stray tags, leave tags open, and misspell them; all of that is read. What
is not there is never made up: a missing verdict or critique, or noise, raises MalformedAnswerError with a message that
a model can act on, since the answer goes back once (prompts.render_repair). And what is only quoted is no answer: JSON
inside prose, marks that the data holds, the prompt said again (`echoes`).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recommender.rounds.core import echoes, prose
from recommender.rounds.core.echoes import NOBODY, Asked
from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.types import JudgementName, Kind
from recommender.rounds.core.wrapping import unwrapped, without_greetings

MIN_RATIONALE, MAX_RATIONALE = 8, 600  # words; about 200 are asked for
MIN_CRITIQUE, MAX_CRITIQUE = 3, 600
MAX_CHARACTERS = 12_000  # of one rationale or critique
NAMES: dict[Kind, str] = {"end_user": "user preference", "item": "item knowledge"}

_ANY_TAG = re.compile(r"<[ ]?/?[ ]?[A-Za-z][A-Za-z _-]{0,40}/?\s*>")
_LABEL = (
    r"(?:refined|updated|final|revised)?[\s_-]*(?:user[\s_-]*preferences?|(?:item|book|movie|product)?[\s_-]*knowledge)"
)
_RATIONALE_LABEL = re.compile(rf"\A[\s*_#>]{{0,9}}{_LABEL}[ *_]{{0,9}}:[ *_]{{0,9}}", re.IGNORECASE)
_RATIONALE_TAGS = re.compile(rf"<\s*{_LABEL}\s*>(.*?)(?:<\s*/\s*{_LABEL}\s*>|\Z)", re.DOTALL | re.IGNORECASE)

_JUDGEMENT = r"(?:final[\s_-]*)?(?:judge?ment|verdict)"
_CRITIQUE = r"(?:final[\s_-]*)?(?:reflections?|critique)"


def _part(name: str, other: str) -> re.Pattern[str]:
    """A tag's content up to its end, the other tag, or the end of the answer."""
    end = rf"(?:<\s*/\s*{name}\s*>|<\s*{other}\s*>|\Z)"
    return re.compile(rf"<\s*{name}\s*>(.*?){end}", re.DOTALL | re.IGNORECASE)


def _labelled(name: str, other: str) -> re.Pattern[str]:
    """The same where a model wrote `**Name:** …` on a line of its own instead of tags."""
    line = r"^[ \t*_#>-]{0,9}"
    return re.compile(
        rf"{line}{name}[ *_]{{0,9}}:[ *_]{{0,9}}(.*?)(?={line}{other}[ *_]{{0,9}}:|\Z)",
        re.DOTALL | re.IGNORECASE | re.MULTILINE,
    )


_TAGGED = (_part(_JUDGEMENT, _CRITIQUE), _part(_CRITIQUE, _JUDGEMENT))
_LABELS = (_labelled(_JUDGEMENT, _CRITIQUE), _labelled(_CRITIQUE, _JUDGEMENT))
_AFTER_JUDGEMENT = re.compile(rf"<\s*/\s*{_JUDGEMENT}\s*>(.*)\Z", re.DOTALL | re.IGNORECASE)
_CRITIQUE_CLOSED = re.compile(rf"<\s*/\s*{_CRITIQUE}\s*>", re.IGNORECASE)
_BARE = re.compile(r"(?:the [\w ]{1,40} is )?(?:not )?reasonable\W*", re.IGNORECASE)
_TWICE_NEGATED = re.compile(r"\b(?:not|isn't|never)\b[\w ]{0,20}\bun ?reasonable\b")
_NEGATED = re.compile(
    r"(?:\b(?:not|cannot|never|hardly|neither|nor|no longer|far from|anything but)\b|n't\b)"
    r"(?:(?!\bbut\b)[^.;]){0,60}?\breasonable\b"
    r"|\bun ?reasonable\b"
)
_NOTHING = {"", "none", "na", "n/a", "nothing", "empty", "no critique", "no reflection", "no issues", "no problems"}
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
    _check_end(text, finish_reason)
    if finish_reason == "length":
        raise MalformedAnswerError(f"The {name} is not complete: {CUT_OFF}.")
    text = unwrapped(text)
    if found := _whole_object(text):
        strings = [value for value in found.values() if isinstance(value, str)]
        text = strings[0] if len(strings) == 1 else text
    tagged = _RATIONALE_TAGS.search(text)
    text = _RATIONALE_LABEL.sub("", _ANY_TAG.sub(" ", tagged[1] if tagged else text), count=1)
    text = _tidy(without_greetings(text))
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
    two tags or two labelled parts. What `asked` holds as data is no verdict when it is quoted.
    """
    _check_end(text, finish_reason)
    text = unwrapped(text)
    cut_off = finish_reason == "length" and not _CRITIQUE_CLOSED.search(text)
    whole = _whole_object(text)
    objects = [whole] if whole else [*_objects(text)] if structured else []
    said = [fields for each in objects if (fields := _judgement_in(each)) and (whole or not asked.shows(str(each)))]
    if said:
        return _reflection([said[-1][0]], said[-1][1], cut_off=False, asked=asked)
    for judgement_part, critique_part in (_TAGGED, _LABELS):
        outside = critique_part.sub(" ", text) if judgement_part.search(critique_part.sub(" ", text)) else text
        parts = list(judgement_part.finditer(outside))
        own = [part for part in parts if not asked.shows(part[0])] or [
            p for p in parts if not outside[: p.start()].strip()
        ]
        if judgements := [part[1] for part in own]:
            critiques = [part for part in critique_part.findall(text) if not _is_empty(part)]
            rest = _AFTER_JUDGEMENT.search(text)
            critique = critiques[-1] if critiques else (rest[1] if rest else "")
            return _reflection(judgements, critique, cut_off=cut_off, asked=asked)
    if _BARE.fullmatch(text):
        return _reflection([text], "", cut_off=cut_off, asked=asked)
    raise MalformedAnswerError("There is no final judgement; say whether the text is reasonable or not reasonable.")


def read_judgement(text: str) -> JudgementName | None:
    """What a judgement says; None when it says neither, or both. "reasonable" is a part of "not reasonable"."""
    text = re.sub(r"[_\s-]+", " ", text.replace("’", "'").lower())
    if _TWICE_NEGATED.search(text):
        return None
    rest, negated = _NEGATED.subn(" ", text)
    affirmed = re.search(r"\breasonable\b", rest) is not None
    if affirmed == bool(negated):
        return None
    return "reasonable" if affirmed else "not_reasonable"


def _reflection(judgements: list[str], critique: str, *, cut_off: bool, asked: Asked) -> ParsedReflection:
    verdicts = {verdict for judgement in judgements if (verdict := read_judgement(judgement))}
    if len(verdicts) != 1:
        raise MalformedAnswerError("The final judgement is not clear; say either reasonable or not reasonable, once.")
    (verdict,) = verdicts
    if verdict == "reasonable":
        return ParsedReflection("reasonable", "")
    if cut_off:
        raise MalformedAnswerError(f"The reflection is not complete: {CUT_OFF}.")
    critique = _tidy(_ANY_TAG.sub(" ", critique))
    count = prose.words(critique)
    if _is_empty(critique) or count < MIN_CRITIQUE:
        raise MalformedAnswerError("The reflection is missing: say what makes the text not reasonable.")
    _check("The reflection", critique, count, MAX_CRITIQUE, asked)
    return ParsedReflection("not_reasonable", critique)


def _check(name: str, text: str, count: int, most: int, asked: Asked) -> None:
    if count > most or len(text) > MAX_CHARACTERS:
        raise MalformedAnswerError(f"{name} is too long ({count} words); write at most 200 words.")
    if problem := prose.problem(asked.without_titles(text)):
        raise MalformedAnswerError(f"{name} cannot be read: {problem}.")


def _check_end(text: str, finish_reason: str) -> None:
    """An answer that the endpoint itself says is none."""
    if why := _KEPT_BACK.get(finish_reason):
        said = " ".join(text.split())[:200]
        raise MalformedAnswerError(f"{why}: {said}" if said else f"{why}.")


def _is_empty(text: str) -> bool:
    return text.strip(" \t\r\n.,;:!?*_-–—\"'“”()[]<>").lower() in _NOTHING


def _judgement_in(found: Mapping[str, Any]) -> tuple[str, str] | None:
    """An object's judgement and critique, however its keys are spelt."""
    fields = {re.sub(r"[\s_-]|final|judge?ment", "", key.lower()): value for key, value in found.items()}
    judgement = fields.get("", fields.get("verdict"))
    critique = fields.get("reflection", fields.get("critique", ""))
    return (judgement, critique if isinstance(critique, str) else "") if isinstance(judgement, str) else None


def _whole_object(text: str) -> dict[str, Any] | None:
    """The JSON object that the answer is, with nothing before or after it."""
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object at the outermost level; at most 20 starts are tried. Nothing is looked for in a broken one."""
    decoder, start = json.JSONDecoder(strict=False), text.find("{")
    for _ in range(20):
        if start < 0:
            return
        try:
            found, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            if re.match(r'\{\s*"', text[start:]):
                return  # an object that was cut off or is broken: what is inside it is not its end
            end = start + 1
        else:
            if isinstance(found, dict):
                yield found
        start = text.find("{", end)


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
