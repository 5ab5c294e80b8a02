"""Yes and No: how likely each is among an answer's first tokens, which one a text says, and whether both agree. Pure.

ThinkRec writes its text after the score and never compares them (METHODS.md 2.8); here they are held together.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.wrapping import unwrapped

Verdict = Literal["yes", "no", ""]

EVEN = 0.05  # a probability of a like that is nearer to a half than that speaks for neither side
_PIECES = str.maketrans("ĠĊ▁", "   ")  # how tokenizers write white space
_BARE = re.compile(r"^[\W_]+|[\W_]+$")
_WORD = r"\b(?P<word>yes|no)\b(?!-)"
_NAMED = r"(?:verdict|answer|conclusion|prediction|evaluation|judge?ment)"
_FINAL = re.compile(  # “(evaluation: No)” is an entry of the prompt's history that a text repeats
    rf"(?<!\()\b{_NAMED}\b(?:\s+(?:is|would\s+be|:))*\W{{0,6}}{_WORD}",
    re.IGNORECASE,
)
_FIRST = re.compile(  # “no” before most words belongs to them: no wonder, no film
    r"^\W*\b(?P<word>yes|no(?=\s*(?:[^\w\s]|$)|\s+(?:because|since|the|this|they|he|she|it)\b))\b(?!-)", re.IGNORECASE
)
_LAST = re.compile(rf"(?:^|[.!?:;,\n*。：！？、，；]|\bso|\btherefore)\W*{_WORD}\W*$", re.IGNORECASE)


_EITHER = re.compile(  # both words as a choice: the prompt's own, repeated, and “yes and no”
    rf"\b(yes|no)\b\W{{0,4}}(?:/|\bor\b|\band\b)\W{{0,4}}(?:{_NAMED}\W{{0,6}})?\b(?!\1)(?:yes|no)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class YesNo:
    """Logarithms of probability that an answer begins with Yes, or No, whatever its form.

    `yes_shown`, `no_shown`: False where the word was not among the tokens that the endpoint told: then its logarithm
    is the most that it can be.
    """

    yes: float
    no: float
    yes_shown: bool
    no_shown: bool

    @property
    def note(self) -> str:
        """What is to be known of the score, as a sentence; empty where both words were told."""
        if self.yes_shown and self.no_shown:
            return ""
        if not self.yes_shown and not self.no_shown:
            at_most = math.exp(max(self.yes, self.no))
            return f"The model begins with neither Yes nor No: each is at most {at_most:.2g} likely."
        word, other = ("No", self.no) if self.yes_shown else ("Yes", self.yes)
        return f"{word} is not among the likeliest answers, so at most {math.exp(other):.2g} likely: it is scored so."


def yes_no(first_tokens: Mapping[str, float]) -> YesNo:
    """Add up the forms of both words among first tokens (text → logarithm of probability, not above 0).

    A word that is not there is at most as likely as the least likely token that is, and as what they leave of 1.
    """
    masses: dict[str, list[float]] = {"yes": [], "no": []}
    for token, logprob in first_tokens.items():
        word = _BARE.sub("", token.translate(_PIECES)).casefold()
        if word in masses:
            masses[word].append(logprob)
    left = 1.0 - sum(math.exp(one) for one in first_tokens.values())
    least = min(first_tokens.values(), default=0.0)
    bound = min(least, math.log(left)) if left > 0 else least
    yes, no = (_sum(masses[word]) if masses[word] else bound for word in ("yes", "no"))
    return YesNo(yes, no, bool(masses["yes"]), bool(masses["no"]))


def verdict_of(text: str) -> Verdict:
    """The verdict a text gives: the last that it names as such, else its first word, else its last; empty for none.

    Whole words only: “Not”, “Now” and “Nobody” say no No (ThinkRec's own test took them for one), and “Yes or No” says
    neither.
    """
    text = _EITHER.sub(" … ", text)
    named = [match["word"] for match in _FINAL.finditer(text)]
    if named:
        return _verdict(named[-1])
    for pattern in (_FIRST, _LAST):
        if found := pattern.search(text):
            return _verdict(found["word"])
    return ""


def freed(text: str) -> str:
    """What a model said, without its thinking and the marks around it; nothing where it was still thinking."""
    try:
        return unwrapped(text)
    except MalformedAnswerError:
        return ""


def agrees(verdict: Verdict, probability: float | None) -> bool | None:
    """Whether a text's verdict is on the side of the probability of a like that people are shown, calibrated as it is.

    A model that says Yes of nearly everything has log-odds above 0 where the probability is low, so these do not count.
    None where the text gives no verdict, or the probability is none or within EVEN of a half: then neither speaks
    against the other.
    """
    if not verdict or probability is None or not abs(probability - 0.5) > EVEN:
        return None
    return (verdict == "yes") == (probability > 0.5)


def _sum(logarithms: list[float]) -> float:
    most = max(logarithms)
    return min(most + math.log(sum(math.exp(one - most) for one in logarithms)), 0.0) if most > -math.inf else most


def _verdict(word: str) -> Verdict:
    return "yes" if word.casefold() == "yes" else "no"
