"""Read a teacher's answers: a text and a verdict on the target, or a judgement."""

import re
from dataclasses import dataclass
from functools import lru_cache

from recommender.grounding import tables
from recommender.grounding.titles import ORDINARY, Titles, forms, year_of
from recommender.grounding.words import folded_words, tokens
from recommender.rounds.core import parsing
from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.types import Kind

_ARTICLE = re.compile(r"(?:the|an?) ", re.IGNORECASE)
LEAST_WORDS, LEAST_LETTERS = 2, 7  # of a name that small letters may hold; of a word that is rare
_KINDS = {word.strip("~,|") for word in tables.words("kinds")}
_VERDICT = r"final[\s_-]*(?:verdict|answer|prediction)"
_TAGGED = re.compile(rf"<\s*{_VERDICT}\s*>(.*?)(?:<\s*/\s*{_VERDICT}\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_LABELLED = re.compile(rf"^[ \t*_#>-]{{0,9}}{_VERDICT}[ *_]{{0,9}}:[ *_]{{0,9}}(.*)$", re.MULTILINE | re.IGNORECASE)
_LIKE = r"(?:like|likes|enjoy|enjoys)"
_NEGATED = re.compile(
    rf"(?:\b(?:not|never|hardly|unlikely|cannot)\b|n't\b)(?:(?!\bbut\b)[^.;]){{0,40}}?\b{_LIKE}\b|\bdislikes?\b"
)
_TWICE_NEGATED = re.compile(r"(?:\b(?:not|never|unlikely)\b|n't\b)[\w ]{0,20}\b(?:dislikes?|not)\b")


@dataclass(frozen=True, slots=True)
class Predicted:
    """A teacher's text, and whether it predicts that the target is liked."""

    text: str
    likes: bool


def read_prediction(sentence: str) -> bool | None:
    """Whether a verdict says "will like"; None when it says neither, or both. "like" is a part of "will not like"."""
    text = re.sub(r"[_\s-]+", " ", sentence.replace("’", "'").lower())
    if _TWICE_NEGATED.search(text):
        return None
    rest, negated = _NEGATED.subn(" ", text)
    affirmed = re.search(rf"\b{_LIKE}\b", rest) is not None
    return None if affirmed == bool(negated) else affirmed


def parse_prediction(answer: str, *, subject_kind: Kind, finish_reason: str = "") -> Predicted:
    """The text and the verdict in an answer to a reason or refine prompt. Raises MalformedAnswerError."""
    pattern = _TAGGED if _TAGGED.search(answer) else _LABELLED
    verdicts = {likes for sentence in pattern.findall(answer) if (likes := read_prediction(sentence)) is not None}
    if len(verdicts) != 1:
        raise MalformedAnswerError("The final verdict is missing or not clear; say will like or will not like, once.")
    rest = pattern.sub("", answer)
    text = parsing.parse_rationale(rest, subject_kind=subject_kind, finish_reason=finish_reason)
    return Predicted(text, verdicts.pop())


def names_target(text: str, title: str) -> bool:
    """Whether a text names the target in any way a title is written: then it is of no use for others.

    A title of ordinary words is named where its writing shows it: capitals, quotation marks, a year. One with a rarer
    word is named in small letters as well.
    """
    words = list(tokens(text))
    for named in _index(title).named_in(text, words):
        is_kind = named.end - named.begin == 1 and words[named.begin].word in _KINDS  # "prefers Drama to Romance"
        if named.certainty > is_kind:
            return True
    said, year = f" {' '.join(token.word for token in words if token.is_word)} ", year_of(title)
    for form in forms(title):
        if year and f"{form.written} ({year})".casefold() in text.casefold():
            return True
        if form.whole and not needs_marks(form.written) and f" {' '.join(folded_words(form.written))} " in said:
            return True
    return False


def needs_marks(name: str) -> bool:
    """Whether a name in small letters may be ordinary words: a single one but for its article, or none that is rare."""
    words = folded_words(_ARTICLE.sub("", name))
    return len(words) < LEAST_WORDS or all(word in ORDINARY or len(word) < LEAST_LETTERS for word in words)


@lru_cache(maxsize=64)
def _index(title: str) -> Titles:
    index = Titles()
    index.add("", title)
    return index
