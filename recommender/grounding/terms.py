"""The words in which a catalog's texts tell of their items, and a phrase without the words for items themselves."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Set
from itertools import pairwise

from recommender.grounding import tables
from recommender.grounding.sentences import spans
from recommender.grounding.words import fold

MOST_TERMS = 30_000  # of a catalog: 23 MB of vectors while a worker compares them
TOO_COMMON = 0.05  # of the texts: what stands in more of them tells items apart no better than a genre
ALWAYS_TELLING = 20  # texts
PAIR_IN = 2  # texts: two words that stand together in fewer are no expression
LONGEST = 40  # characters of a word
SHORTEST_SENTENCE, LONGEST_SENTENCE = 5, 60  # words of one whose meaning is compared
_PIECE = re.compile(r"[^\W\d_]+|\d+|[^\s\w]")
_WORD = re.compile(r"[^\W_]{3,}")
_SMALL = frozenset(fold(" ".join(w for lines in tables.sections("stop_words").values() for w in lines)).split())
_GERMAN = frozenset(("der", "die", "das", "und", "ist", "ein", "eine", "mit", "von"))
_IS_GERMAN = 0.08  # of the words: there nouns have capital letters, elsewhere names do
# Titles that a sentence names, quoted or with their year: "known for Bram Stoker's Dracula (1992)" tells of no vampire.
_CAPITAL = r"[A-ZÀ-ÖØ-Þ0-9][\w'’.:!,&-]*"
_TITLES = re.compile(
    r'"[^"]{1,100}"|“[^”]{1,100}”|„[^“”]{1,100}[“”]|«[^»]{1,100}»'
    rf"|\b{_CAPITAL}(?:\s+(?:{_CAPITAL}|the|of|and|an?|in|to|with|for|from|on|at|de[rnls]?|die|das|el|l[ao]s?|y|und))*"
    r"\s*\((?:\d{4}|[^()]{1,60},? \d{4})\)"
)
# Of a phrase, what need not be found: "set in a prison" is about prisons, "offered westerns any more" about westerns.
FUNCTION_WORDS = frozenset(
    """the and with about set from into that their its her his any some more less much many again anymore either instead
    whatsoever please see seen seeing watch watching show shown get given give offer offered recommend
    recommended suggest suggested
    über mit von aus der die das den und mehr wieder überhaupt bitte sehen gesehen zeigen gezeigt empfehlen empfohlen
    vorgeschlagen
    sobre con del las los una por para más menos otra vez nada ver mostrar recomendar recomendadas favor""".split()  # noqa: SIM905 - a list of words
)
SHORTEST_PART = 4  # letters of either part of "Vampirfilme"


def stem(word: str) -> str:
    """A word without its plural: enough to find "slow burns" in "a slow burn", and "robberies" in "a robbery"."""
    word = word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
    return f"{word[:-2]}y" if word.endswith("ie") and len(word) > 3 else word  # of movies and of a movie: movy


def spellings(stem: str) -> tuple[str, ...]:
    """One of these stands in every text that has a word of this stem."""
    return (stem, f"{stem[:-1]}ie") if stem.endswith("y") else (stem,)


def words_of(phrase: str, nouns: Set[str]) -> list[str]:
    """The words of a phrase that say what items are about, as they are written; `nouns`: words for items of any kind,
    folded."""
    words = _WORD.findall(phrase)
    return [word for word in words if word.casefold() not in FUNCTION_WORDS and fold(word) not in nouns]


def stems_of(text: str) -> set[str]:
    """Of a text or of one of its sentences, casefolded."""
    return set(map(stem, _WORD.findall(text)))


def without_nouns(words: Iterable[str], nouns: Set[str]) -> list[str]:
    """German words for kinds of items without the word for items: "Gefängnisfilme" is of a "Gefängnis"."""
    return [_without_noun(word, nouns) for word in words]


def _without_noun(word: str, nouns: Set[str]) -> str:
    for length in range(len(word) - SHORTEST_PART, SHORTEST_PART - 1, -1):
        if fold(word[-length:]) in nouns:
            return word[:-length]
    return word


def terms_of(texts: Collection[str]) -> list[str]:
    """Words, and two words that stand together, by which sentences tell of their items, casefolded; of words that
    differ in a plural's ending alone the commoner. Those of most texts first, at most MOST_TERMS. Names are none.
    """
    counts: Counter[str] = Counter()
    written: Counter[str] = Counter()
    for text in texts:
        found = _of_text(text)
        written.update(found)
        counts.update({stemmed(one) for one in found})
    most = max(ALWAYS_TELLING, TOO_COMMON * len(texts))
    commonest: dict[str, str] = {}
    for one, _ in sorted(written.items(), key=lambda pair: (-pair[1], pair[0])):
        commonest.setdefault(stemmed(one), one)
    telling = [one for one, count in counts.items() if count <= most and (" " not in one or count >= PAIR_IN)]
    return [commonest[one] for one in sorted(telling, key=lambda one: (-counts[one], one))[:MOST_TERMS]]


def sentence_terms(text: str) -> Iterator[tuple[str, str]]:
    """The sentences of a description that tell of their item, and each as a term: its words, so that what has them all
    is hardly anything but the sentence itself."""
    for start, end in spans(text):
        sentence = without_titles(text[start:end]).strip()
        words = _WORD.findall(sentence.casefold())
        if SHORTEST_SENTENCE <= len(words) <= LONGEST_SENTENCE:
            yield sentence, " ".join(words)


def is_sentence(term: str) -> bool:
    """Whether a term is a whole sentence; others have two words at most."""
    return term.count(" ") > 1


def stemmed(term: str) -> str:
    return " ".join(map(stem, term.split()))


def without_titles(sentence: str) -> str:
    """A sentence without the titles that it names, quoted or with their year."""
    return _TITLES.sub(" ", sentence)


def _of_text(text: str) -> set[str]:
    words = _PIECE.findall(text)
    nouns_have_capitals = sum(word in _GERMAN for word in words) > _IS_GERMAN * len(words)
    found: set[str] = set()
    for start, end in spans(text):
        for run in _runs(without_titles(text[start:end]), capitals=nouns_have_capitals):
            found.update(run)
            found.update(map(" ".join, pairwise(run)))
    return found


def _runs(sentence: str, *, capitals: bool) -> Iterator[list[str]]:
    """Telling words without anything between them."""
    run: list[str] = []
    for piece in _PIECE.findall(sentence):
        if (capitals or piece.islower()) and 2 < len(piece) <= LONGEST and piece.isalpha() and not _is_small(piece):
            run.append(piece.casefold())
        elif run:
            yield run
            run = []
    if run:
        yield run


def _is_small(word: str) -> bool:
    return (folded := fold(word)) in _SMALL or folded in tables.words("nouns")
