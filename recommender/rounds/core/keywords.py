"""Keywords of an item: cleaned in one stable order, and each held against what was shown.

ThinkRec's cleaning (METHODS.md 2.2): split, lower case, no digits and ordinals, no stop words, nothing shorter than
three letters, at most ten. Unlike its code the order is the answer's own, plural doubles count once, and a word that
its source does not have is left out and named.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recommender.grounding import forms, prose, tables
from recommender.grounding.orders import reads_like_order
from recommender.grounding.prose import SEPARATORS, UNSPACED
from recommender.grounding.sentences import sentences
from recommender.grounding.words import fold, word_set

MOST = 10  # of one item
MOST_WORDS = 4  # of one keyword: a longer entry is prose
CHARACTERS_OF_A_WORD = 4  # in a script without spaces, at most
SHORTEST = 3  # letters; a character of a script without spaces, or a syllable of Korean, counts twice
MOST_LEFT_OUT = 20  # that a card names
SOURCE_WORDS = 100  # of one attribute that are shown and searched, as ThinkRec does

_STOPS = frozenset(" ".join(words for lines in tables.sections("stop_words").values() for words in lines).split())
_LEADING = frozenset(
    ["a", "an", "the", "and", "or", "of", "with", "in", "on", "to", "und", "oder", "y", "e", "o", "et"]
)
_ARTICLES = word_set("der die das den dem des ein eine einen einem einer le la les un une una el")
_ENDINGS = frozenset(("e", "n", "en", "er", "ern", "em", "es", "s"))  # of nouns and adjectives in German and Spanish
_LEAST_STEM = 4
_DECLINED = frozenset(("e", "en", "er", "em", "es"))  # of German adjectives: the article decides which
_LEAST_DECLINED = 5  # letters before such an ending: Messer and Messen are two words
_HANGUL = re.compile(r"[\u1100-\u11FF\uAC00-\uD7A3]")  # as written, and taken apart as folded words have it
_TWICE = re.compile(f"{UNSPACED.pattern}|{_HANGUL.pattern}")
_PARTICLES = 8  # letters that Korean may write behind a noun: three syllables
_MEN = ("man", "men")
_CODE = re.compile(r"[{}=\\]|<\w")  # in no sentence of a description
_OWNERS = re.compile(r"['’]s\b")
_JOINERS = "-'’"


@dataclass(frozen=True, slots=True)
class Checked:
    """`kept`: at most ten, in the order in which they were given. `left_out`: what the source does not have."""

    kept: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def text_of(keywords: Sequence[str]) -> str:
    """How a list is stored, shown and edited: "heist, los angeles, crime"."""
    return ", ".join(keywords)


def listed(text: str) -> list[str]:
    """The entries of such a list, as a person may type it: with commas, semicolons or lines."""
    return [entry.strip() for entry in SEPARATORS.split(text) if entry.strip()]


def cleaned(entries: Iterable[str]) -> list[str]:
    """Each entry as a keyword, in their order, without those that are none and without doubles."""
    found: list[str] = []
    keys: list[list[str]] = []
    for entry in entries:
        words = _words_of(entry)
        key = _key(words)
        if not _is_keyword(words, key):
            continue
        if not any(_alike(key, other) or "".join(key) == "".join(other) for other in keys):
            found.append(" ".join(words))
            keys.append(key)
    return found


def refused(entries: Iterable[str]) -> tuple[str, ...]:
    """The entries that are no keywords, wherever they stand: sentences, numbers, and words that say nothing."""
    return tuple(entry for entry in entries if not _is_keyword(words := _words_of(entry), _key(words)))


def checked(entries: Iterable[str], source: Mapping[str, Any]) -> Checked:
    """Clean the entries and hold each against its source: a title and attributes, by name."""
    kept: list[str] = []
    left_out: list[str] = []
    shown = _Source(source)
    for keyword in cleaned(entries):
        (kept if shown.has(keyword) else left_out).append(keyword)
    return Checked(tuple(kept[:MOST]), tuple(left_out[:MOST_LEFT_OUT]))


def sources_of(keyword: str, source: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of what has a keyword: the title, attributes."""
    return tuple(name for name, value in source.items() if _Source({name: value}).has(keyword))


def of_attributes(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Where an item has no description: the words of its attributes, as ThinkRec's MovieLens takes its genres."""
    values = (
        str(value) for name in attributes for value in _values(attributes[name]) if not reads_like_order(str(value))
    )
    return tuple(cleaned(entry for value in values for entry in listed(value)))[:MOST]


def is_described(attributes: Mapping[str, Any]) -> bool:
    """Whether any attribute describes the item in words, so that there is something to ask a model about."""
    return any(map(prose.has_prose, attributes.values()))


def shortened(value: Any) -> str:
    """An attribute's value as it is shown and searched: the first hundred words, without HTML."""
    return " ".join(prose.plain(", ".join(_values(value))).split()[:SOURCE_WORDS])


class _Source:
    """What was shown, as words. What speaks to a model, and what follows it, gives no keywords."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        texts = [text for value in source.values() for text in _told(shortened(value))]
        self._texts = [_folded(text) for text in texts]
        self._joined = ["".join(words) for words in self._texts]

    def has(self, keyword: str) -> bool:
        """In any form; its article need not stand there: der Krieg, where Krieg does."""
        words = _folded(keyword)
        if UNSPACED.search(keyword):
            return any("".join(words) in joined for joined in self._joined)
        return self._says(words) or (len(words) > 1 and words[0] in _ARTICLES and self._says(words[1:]))

    def _says(self, words: Sequence[str]) -> bool:
        return any(
            _alike(words, text[place : place + len(words)])
            for text in self._texts
            for place in range(len(text) - len(words) + 1)
        )


def speaks_to_model(value: Any) -> bool:
    """Whether a value that is shown, or a sentence of it, reads like an order: no keyword comes from there."""
    text = shortened(value)
    return any(map(_is_order, sentences(text))) if prose.is_prose(text) else _is_order(text)


def _told(text: str) -> Iterator[str]:
    for sentence in sentences(text) if prose.is_prose(text) else [text]:
        if _is_order(sentence):
            return
        yield sentence


def _is_order(sentence: str) -> bool:
    """Read in pieces: a long sentence is no order by its length alone."""
    pieces = (sentence[start : start + 280] for start in range(0, len(sentence), 200))
    return any(_CODE.search(piece) or reads_like_order(piece) for piece in pieces)


def _values(value: Any) -> list[Any]:
    values = value if isinstance(value, list | tuple) else [value]
    return [one for one in values if isinstance(one, str)]


def _is_keyword(words: Sequence[str], key: Sequence[str]) -> bool:
    return bool(key) and sum(map(_length, words)) <= MOST_WORDS and sum(map(_letters, words)) >= SHORTEST


def _words_of(entry: str) -> list[str]:
    """An entry's words in lower case, without marks, numbers and what merely leads up to it."""
    words = [word for word in _split(unicodedata.normalize("NFKC", entry).lower()) if not _has_digits(word)]
    while len(words) > 1 and words[0] in _LEADING:
        words = words[1:]
    return words


def _split(text: str) -> list[str]:
    marked = (char if unicodedata.category(char)[0] in "LMN" or char in _JOINERS else " " for char in text)
    return [word for raw in "".join(marked).split() if (word := raw.strip(_JOINERS))]


def _folded(text: str) -> list[str]:
    return [word for word in _split(_OWNERS.sub("", fold(text)).replace("-", " ")) if not _has_digits(word)]


def _key(words: Sequence[str]) -> list[str]:
    return [word for word in _folded(" ".join(words)) if word not in _STOPS]


def _alike(one: Sequence[str], other: Sequence[str]) -> bool:
    return len(one) == len(other) and all(map(_same, one, other))


def _same(one: str, other: str) -> bool:
    """Whether two folded words are forms of one: plural and singular, or with endings or a particle."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) >= _LEAST_STEM and long.startswith(short):
        rest = long[len(short) :]
        if rest in _ENDINGS or (_HANGUL.match(short) and len(rest) <= _PARTICLES):
            return True
    if _are_declined(one, other) or (one[:-3] == other[:-3] and {one[-3:], other[-3:]} == set(_MEN)):
        return True
    return len(short) >= SHORTEST and other in forms.numbers(one)


def _are_declined(one: str, other: str) -> bool:
    """zweiter and zweiten; not -er and -es, which no noun has both of (dresser, dresses)."""
    ends = [(word[:place], word[place:]) for word in (one, other) for place in (len(word) - 1, len(word) - 2)]
    stems = {stem: {end for of, end in ends if of == stem and end in _DECLINED} for stem, _ in ends}
    return any(len(stem) >= _LEAST_DECLINED and len(of) > 1 and of != {"er", "es"} for stem, of in stems.items())


def _has_digits(word: str) -> bool:
    """Also of other scripts; not 千 or 三, which are numbers but letters, and parts of words."""
    return any(unicodedata.category(char)[0] == "N" for char in word)


def _length(word: str) -> int:
    """How many words it stands for: more than one in a script without spaces."""
    return max(1, -(-len(UNSPACED.findall(word)) // CHARACTERS_OF_A_WORD))


def _letters(word: str) -> int:
    return sum(2 if _TWICE.match(char) else unicodedata.category(char)[0] == "L" for char in word)
