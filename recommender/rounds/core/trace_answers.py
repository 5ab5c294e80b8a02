"""Read a trace: Yes or No as the first whole word, then the reasons.

ThinkRec's code looks for "No" anywhere, so that "Not" and "Now" pass for it (METHODS.md 2.4); here a word is a word.
"""

import re
from dataclasses import dataclass

from recommender.rounds.core import echoes, prose
from recommender.rounds.core.answer_objects import whole_object
from recommender.rounds.core.echoes import NOBODY, Asked
from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.parsing import check_end
from recommender.rounds.core.wrapping import unwrapped

FEWEST_WORDS, MOST_WORDS = 6, 400
MOST_CHARACTERS = 8_000
_LEAD = re.compile(r"^\W*(?:(?:final |my )?(?:answer|prediction|verdict)\s*(?:is)?\W*)?", re.IGNORECASE)
# Whole words, and not the beginning of something else: "no one", "no doubt", "yes and no".
_ANSWER = re.compile(
    r"(yes|no)\b(?!['’\-]\w)(?!\s+(?:one|doubt|matter|longer|other|wonder|idea|way|need|such|more|real|clear)\b)"
    r"(?!\s*(?:/|or\b|and\b)\s*(?:yes|no)\b)",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"\b(?:final|overall|revised|corrected)\s+(?:answer|prediction|verdict)\W{0,6}(?:is\W{0,4})?(yes|no)\b", re.I
)
_TAG = re.compile(r"<[ ]?/?[ ]?[A-Za-z][A-Za-z _-]{0,40}/?\s*>")
WORDS = {True: "Yes", False: "No"}


@dataclass(frozen=True, slots=True)
class Trace:
    """`liked`: what the answer says of the target; `reasons`: the text behind it, never empty."""

    liked: bool
    reasons: str

    @property
    def text(self) -> str:
        """As it is stored, shown and learnt: "Yes. They …"."""
        return f"{WORDS[self.liked]}. {self.reasons}"


def answer_of(text: str) -> tuple[bool, str] | None:
    """Which answer a text begins with, and what follows it; None where its first word is neither Yes nor No."""
    start = _LEAD.match(text)
    found = _ANSWER.match(text, start.end() if start else 0)
    if found is None:
        return None
    rest = re.sub(r"^[\s*_.,:;!?)\]\"'”’–—。、，：；！？）-]+", "", text[found.end() :])
    return found[1].lower() == "yes", rest


def parse_trace(text: str, *, finish_reason: str = "", asked: Asked = NOBODY) -> Trace:
    """The trace in an answer. Raises MalformedAnswerError."""
    check_end(text, finish_reason)
    if finish_reason == "length":
        raise MalformedAnswerError("The answer was cut off at the token limit; give your reasons in 150 words.")
    text = unwrapped(text)
    if found := whole_object(text):
        text = ". ".join(str(value).strip() for value in found.values() if isinstance(value, str | bool))
        text = re.sub(r"^True\b", "Yes", re.sub(r"^False\b", "No", text))
    read = answer_of(_TAG.sub(" ", text).strip())
    if read is None:
        raise MalformedAnswerError("The answer must begin with the word Yes or the word No.")
    liked, rest = read
    reasons = " ".join(rest.split())
    if any((said.lower() == "yes") != liked for said in _LATER.findall(reasons)):
        raise MalformedAnswerError("The answer says Yes and No; say one of them, once.")
    count = prose.words(reasons)
    if count < FEWEST_WORDS:
        raise MalformedAnswerError("The reasons are missing; give them after the first word.")
    if count > MOST_WORDS or len(reasons) > MOST_CHARACTERS:
        raise MalformedAnswerError(f"The reasons are too long ({count} words); give them in 150 words.")
    if problem := prose.problem(asked.without_titles(reasons)) or echoes.problem(reasons, asked):
        raise MalformedAnswerError(f"The reasons cannot be used: {problem}.")
    return Trace(liked, reasons)
