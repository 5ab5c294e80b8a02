"""Does an answer say something of its own, or what the prompt said? Small models copy instructions, data, or nothing.

A text is compared with the prompt's instructions and data by runs of words. Honest texts cite titles and take words
from both, in short runs; an echo is made of long ones. A title counts as one word, however long it is.
"""

import json
import re
from dataclasses import dataclass
from functools import cached_property

from recommender.rounds.core.harmless import harmless

RUN_OF_INSTRUCTIONS, RUN_OF_DATA = 6, 8  # words in a row that are no accident
MOST_COPIED = 0.5  # share of a text's words that may be part of such runs
LEAST_OWN = 0.2  # share of a text's different long words that the instructions do not have
LONG = 4  # characters of a word that says something
_QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt])*"')  # titles in the data are JSON strings
_DESCRIPTION = re.compile(r'^[^":\n]+: ".*"$', re.MULTILINE)  # what describes an item is no title: it may be copied out
_WORD = re.compile(r"[^\W_]+")
_NO_ANSWER = re.compile(
    r"\b(?:please (?:provide|share|give me)|(?:i am|i'm) (?:ready|happy|unable|not able|sorry)|as an ai\b"
    r"|i (?:can ?not|can't) (?:help|assist|provide|answer|write)"
    r"|(?:no|without any) history (?:was|has been|is) (?:given|provided))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Asked:
    """What the prompt of an answer held: our `instructions`, and `data` from elsewhere."""

    instructions: str = ""
    data: str = ""

    def shows(self, quoted: str) -> bool:
        """Whether the data holds these words in this order, whatever marks stand between them."""
        words = " ".join(_words(quoted))
        return bool(words) and f" {words} " in self._data_words

    def without_titles(self, text: str) -> str:
        """The text with a word in place of each title that it quotes: how a title is written is not its author's."""
        text = harmless(text)
        for title in self._titles:
            text = text.replace(title, "Title")
        return text

    def titles_as_one(self, words: list[str]) -> list[str]:
        """The words with one in place of each title: who cites a long one has copied no more than who cites a short."""
        line = f" {'  '.join(words)} "
        for title in self._titles_in_words:
            line = line.replace(title, " title ")
        return line.split()

    @cached_property
    def _titles(self) -> list[str]:
        """As the data shows them, the longest first."""
        told = {json.loads(found) for found in _QUOTED.findall(_DESCRIPTION.sub("", self.data))}
        return sorted((title for title in told if len(title) >= LONG), key=len, reverse=True)

    @cached_property
    def _titles_in_words(self) -> list[str]:
        return [f" {'  '.join(words)} " for title in self._titles if (words := _words(title))]

    @cached_property
    def _data_words(self) -> str:
        return f" {' '.join(_words(self.data))} "


NOBODY = Asked()


def problem(text: str, asked: Asked) -> str | None:
    """Why this text is no answer of its own, in words for the model that wrote it; None when it is one."""
    words = _words(text)
    if _NO_ANSWER.search(text) and not _mentions(words, asked.data):
        return "it says nothing about its subject; describe what the data shows"
    if not asked.instructions:
        return None
    if _copied(words, _words(asked.instructions), RUN_OF_INSTRUCTIONS) > MOST_COPIED:
        return "it repeats the instructions; follow them instead"
    if _copied(asked.titles_as_one(words), asked.titles_as_one(_words(asked.data)), RUN_OF_DATA) > MOST_COPIED:
        return "it copies the data; say what the data shows"
    long = {word for word in words if len(word) >= LONG}
    told = set(_words(asked.instructions))
    own = long - told
    if len(own) < LEAST_OWN * len(long) and own.isdisjoint(_words(asked.data)):
        return "it says nothing about its subject; describe what the data shows"
    return None


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _copied(words: list[str], source: list[str], run: int) -> float:
    """The share of `words` in runs of so many words that `source` has too."""
    runs = {tuple(source[place : place + run]) for place in range(len(source) - run + 1)}
    copied = [False] * len(words)
    for place in range(len(words) - run + 1):
        if tuple(words[place : place + run]) in runs:
            copied[place : place + run] = [True] * run
    return sum(copied) / max(len(words), 1)


def _mentions(words: list[str], data: str) -> bool:
    """Whether a longer word of the data, such as a title's, is among `words`."""
    return not {word for word in _words(data) if len(word) >= LONG}.isdisjoint(words)
