"""Read what models answer: lenient about form, strict about meaning.

Models add fences, thinking blocks, labels and stray tags, leave tags open, and misspell them; all of that is read. What
is not there is never made up: a missing verdict or critique, or noise, raises MalformedAnswerError with a message that
a model can act on, since the answer goes back once (prompts.render_repair).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from recommender.rounds.core import prose
from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.types import JudgementName, Kind

MIN_RATIONALE, MAX_RATIONALE = 8, 600  # words; about 200 are asked for
MIN_CRITIQUE, MAX_CRITIQUE = 3, 600
MAX_CHARACTERS = 12_000  # of one rationale or critique
MAX_ANSWER = 60_000  # characters that are looked at, thinking included
NAMES: dict[Kind, str] = {"end_user": "user preference", "item": "item knowledge"}

_THOUGHT_TAG = re.compile(r"<[ ]?(/?)[ ]?(?:think|thinking|thought|reasoning)[ ]?>", re.IGNORECASE)
_FENCE = re.compile(r"^[ \t]*```[\w-]*[ \t]*$", re.MULTILINE)
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
CUT_OFF = "it was cut off at the token limit; write at most 200 words"


@dataclass(frozen=True, slots=True)
class ParsedReflection:
    """One judgement. `critique` is empty exactly when the verdict is "reasonable"."""

    verdict: JudgementName
    critique: str


def parse_rationale(text: str, *, subject_kind: Kind, finish_reason: str = "") -> str:
    """The rationale in an actor's answer, tidied. `finish_reason` "length": the endpoint cut the answer off."""
    name = NAMES[subject_kind]
    if finish_reason == "length":
        raise MalformedAnswerError(f"The {name} is not complete: {CUT_OFF}.")
    text = _useful(text)
    for found in _objects(text):
        strings = [value for value in found.values() if isinstance(value, str)]
        if len(strings) == 1:
            text = strings[0]
            break
    tagged = _RATIONALE_TAGS.search(text)
    text = _RATIONALE_LABEL.sub("", _ANY_TAG.sub(" ", tagged[1] if tagged else text), count=1)
    text = _tidy(text)
    count = prose.words(text)
    if count < MIN_RATIONALE:
        raise MalformedAnswerError(f"The {name} is missing or too short ({count} words); write up to 200 words.")
    _check("The " + name, text, count, MAX_RATIONALE)
    return text


def parse_reflection(text: str, *, finish_reason: str = "") -> ParsedReflection:
    """The verdict and critique in a reflector's answer: a JSON object, R4ec's two tags, or two labelled parts."""
    text = _useful(text)
    cut_off = finish_reason == "length" and not _CRITIQUE_CLOSED.search(text)
    for found in _objects(text):
        fields = {re.sub(r"[\s_-]|final|judge?ment", "", key.lower()): value for key, value in found.items()}
        judgement = fields.get("", fields.get("verdict"))
        if isinstance(judgement, str):
            critique = fields.get("reflection", fields.get("critique", ""))
            return _reflection([judgement], critique if isinstance(critique, str) else "", cut_off=False)
    for judgement_part, critique_part in (_TAGGED, _LABELS):
        if judgements := judgement_part.findall(text):
            critiques = [part for part in critique_part.findall(text) if not _is_empty(part)]
            rest = _AFTER_JUDGEMENT.search(text)
            critique = critiques[-1] if critiques else (rest[1] if rest else "")
            return _reflection(judgements, critique, cut_off=cut_off)
    if _BARE.fullmatch(text):
        return _reflection([text], "", cut_off=cut_off)
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


def _reflection(judgements: list[str], critique: str, *, cut_off: bool) -> ParsedReflection:
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
    _check("The reflection", critique, count, MAX_CRITIQUE)
    return ParsedReflection("not_reasonable", critique)


def _check(name: str, text: str, count: int, most: int) -> None:
    if count > most or len(text) > MAX_CHARACTERS:
        raise MalformedAnswerError(f"{name} is too long ({count} words); write at most 200 words.")
    if problem := prose.problem(text):
        raise MalformedAnswerError(f"{name} cannot be read: {problem}.")


def _useful(text: str) -> str:
    """The answer without the model's thinking and without code fences."""
    text = text[:MAX_ANSWER]
    outside, start, depth = "", 0, 0
    for tag in _THOUGHT_TAG.finditer(text):
        if not tag[1]:
            outside += "" if depth else text[start : tag.start()]
            depth += 1
        elif depth:
            depth -= 1
        else:
            outside = ""  # the opening tag was part of the prompt: all so far was thinking
        start = tag.end()
    if depth:
        raise MalformedAnswerError("The answer ends while still thinking; give the answer itself.")
    text = f"{outside} {text[start:]}"
    return _FENCE.sub("", text).replace("\x00", " ").strip()


def _is_empty(text: str) -> bool:
    return text.strip(" \t\r\n.,;:!?*_-–—\"'“”()[]<>").lower() in _NOTHING


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object at the outermost level, wherever it stands; at most 20 starts are tried."""
    decoder, start = json.JSONDecoder(strict=False), text.find("{")
    for _ in range(20):
        if start < 0:
            return
        try:
            found, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            if isinstance(found, dict):
                yield found
        start = text.find("{", end)


def _tidy(text: str) -> str:
    """Without outer quotes and with ordinary white space; paragraphs stay."""
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
    text = "\n\n".join(filter(None, paragraphs))
    if len(text) > 1 and (text[0], text[-1]) in {('"', '"'), ("“", "”")} and not set(text[1:-1]) & set('"“”'):
        text = text[1:-1].strip()
    return text
