"""The ways in which people's names are written: in full, without initials, by surname."""

import re
from collections.abc import Iterator, Sequence

from recommender.grounding.words import folded_words

_ROLES = re.compile(
    r"author|director|writer|actor|actress|artist|creator|cast\b|starring|^stars?$|composer|musician|narrator|performer"
    r"|singer|^bands?$|autor|regie|schauspiel|darsteller|guionista|escritor|illustrator|interpret|drehbuch|actores|by$"
    r"|screenplay|poet|producer|designer"
)
_PARTICLES = {"van", "von", "de", "di", "da", "del", "della", "le", "la", "du", "den", "der", "ter", "mc", "st", "dos",
              "al", "el", "bin", "ben", "zu", "o"}  # fmt: skip
_SUFFIXES = {"jr", "sr", "ii", "iii", "iv", "phd", "md"}
_CYRILLIC = re.compile(r"(?:sky|skaya|stoy|skoy|kin|vich|[aeiouy]va?|kh\w*|zh\w*)$|^(?:shch|zh|kh)")
# In turn: of English spellings, each into one letter or several.
_GERMAN = [
    (re.compile(pattern), instead)
    for pattern, instead in [
        ("zh", "sch"), ("shch", "schtsch"), ("(?<!s)sh", "sch"), ("(?<![sk])ch", "tsch"), ("kh", "ch"), ("sky$", "ski"),
        ("oy$", "oi"), ("(?<=[ns])ev$", "jew"), ("oev", "ojew"), ("v", "w"),
    ]
]  # fmt: skip
_SPANISH = [
    (re.compile(pattern), instead)
    for pattern, instead in [("zh", "zh"), ("kh", "j"), ("sky$", "ski"), ("oy$", "oi"), ("oev", "oiev"), ("ge", "gue")]
]
_INVERTED = re.compile(r"([^,]+), ([^,]+)")


def is_role(attribute: str) -> bool:
    """Whether an attribute's values are people."""
    return _ROLES.search(attribute.casefold()) is not None


def written(name: str) -> tuple[list[list[str]], list[str]]:
    """The full names as words, and the surname; a name of one word has no surname."""
    if inverted := _INVERTED.fullmatch(name):
        name = f"{inverted[2]} {inverted[1]}"
    words = [word for word in folded_words(name) if word != "'s"]
    while len(words) > 2 and words[-1] in _SUFFIXES:
        words.pop()
    if len(words) < 2:
        return [words] if words else [], []
    return list(_full(words)), _surname(name, words)


def surnames(words: Sequence[str]) -> Iterator[list[str]]:
    """A surname as it may stand alone: without "von", as others write it."""
    yield [*words]
    if len(words) > 1 and words[0] in ("von", "zu"):
        yield [*words[1:]]
    yield from ([spelling] for spelling in spellings(" ".join(words)))


def spellings(surname: str) -> set[str]:
    """How German and Spanish write a surname that English takes over from Cyrillic: Tolstoi, Chéjov (without accents).

    Those of other origin have none: their letters stay.
    """
    if not _CYRILLIC.search(surname):
        return set()
    return {_rewritten(surname, rules) for rules in (_GERMAN, _SPANISH)} - {surname}


def _rewritten(word: str, rules: Sequence[tuple[re.Pattern[str], str]]) -> str:
    for pattern, instead in rules:
        word = pattern.sub(instead, word)
    return word


def _full(words: list[str]) -> Iterator[list[str]]:
    yield words
    shorter = [words[0], *(word for word in words[1:-1] if len(word) > 1), words[-1]]
    if shorter != words and len(words[0]) > 1:
        yield shorter
    initials = [word for word in words if len(word) == 1]
    if len(initials) > 1 and words[: len(initials)] == initials:
        yield ["".join(initials), *words[len(initials) :]]


def _surname(name: str, words: list[str]) -> list[str]:
    last = name.split()[-1]
    if re.fullmatch(r"[^\W\d_]+-[^\W\d_]+", last) and last.split("-")[1].islower():
        return words[:1]  # Bong Joon-ho, Wong Kar-wai
    if "-" in last:
        return words[-2:]
    begin = len(words) - 1
    while begin > 1 and words[begin - 1] in _PARTICLES:
        begin -= 1
    return words[begin:]
