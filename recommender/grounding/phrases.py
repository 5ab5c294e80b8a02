"""The words of a sentence, and phrases: noun phrases of words that no item has as a value."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from recommender.grounding import links, tables
from recommender.grounding.cues import Language
from recommender.grounding.lexicon import Mention
from recommender.grounding.numbers import is_number
from recommender.grounding.statements import Facet
from recommender.grounding.words import Token

LONGEST_PHRASE = 7  # words
RELATIVE = frozenset({"that", "which", "who", "where", "in", "over", "under"})
_LEAD = links.DETERMINERS | links.INTENSIFIERS | links.PRAISE
_HAS = frozenset({"has", "have", "had", "having", "'ve"})  # a participle behind them is a verb
_ADJECTIVE = re.compile(  # endings that Spanish verbs hardly have
    r"(?:al|il|ar|ico|ica|ivo|iva|oso|osa|ario|aria|able|ible|ente|ante|ero|era|ano|ana|ino|ina|ado|ada|ido|ida|ento"
    r"|enta|ntimo|ntima|uro|ura|ndo|nda|gro|gra|rto|rta|rgo|rga|ntiguo|ntigua|oven|iejo|ieja|uevo|ueva|iste|evo|eva)"
    r"(?:e?s)?$"
)
_ADJECTIVE_EN = re.compile(r"(?:al|ic|ous|ive|ful|less|ed|ian|ean|ese|ish|able|ible|ary|ent|ant)$")
_INFLECTED = re.compile(r"e[nmrs]?$")  # a German adjective before its noun
# What stands for a noun that is said before: the old ones, but the talky kind, chiefly the Russian side.
ONES = frozenset(
    {"one", "ones", "kind", "kinds", "sort", "sorts", "type", "types", "variety", "side", "end", "entries"}
)
_IF = frozenset({"if", "when", "where", "provided", "unless", "solange", "wenn", "sofern", "si", "cuando"})
_IT = frozenset({"it", "it's", "they", "these", "those", "them", "sie", "es", "diese"})
_LIKE = frozenset({"like", "likes", "liked", "prefer", "prefers", "want", "wants", "love", "loves", "take", "takes"})
_EITHER = frozenset({"both", "whether", "sowohl", "sea"})
# Small words that tell something as part of a longer one.
_ONLY_IN_COMPOUNDS = links.EMPTY | links.OPENERS | links.DETERMINERS | links.ATTACH | {"and"}
_AND = frozenset({"and", "n", "und", "y"})
_JOINED = frozenset((line.split()[0], line.split()[1]) for line in tables.lines("joined"))
_QUOTES = frozenset("\"“„‘«»'")


@dataclass(slots=True)
class Marked:
    """The tokens of a sentence, what they name, and the words for items of any kind."""

    text: str
    tokens: list[Token]
    mentions: dict[int, Mention]  # by their first token
    taken: list[bool]
    nouns: frozenset[str]
    language: Language = "en"

    def word(self, place: int) -> str:
        return self.tokens[place].word if 0 <= place < len(self.tokens) else ""


def without_stars(said: Marked) -> Marked:
    """A sentence as if nothing in it were in bold or italics."""
    kept = [place for place, token in enumerate(said.tokens) if token.word != "*"]
    if len(kept) == len(said.tokens):
        return said
    at = {place: number for number, place in enumerate(kept)}
    mentions = {
        at[begin]: replace(mention, begin=at[begin], end=at[mention.end - 1] + 1)
        for begin, mention in said.mentions.items()
    }
    tokens, taken = [said.tokens[place] for place in kept], [said.taken[place] for place in kept]
    return Marked(said.text, tokens, mentions, taken, said.nouns, said.language)


def phrase_in(said: Marked, begin: int, end: int, *, verbs: bool = False) -> tuple[int, int] | None:
    """Trimmed of articles and filler; none where the words are no noun phrase or say nothing."""
    while begin < end and not said.tokens[begin].is_word:
        begin += 1
    for place in range(begin, end):
        if said.word(place) in links.STOPS or not said.tokens[place].is_word:
            end = place
            break
    if said.word(begin) == "to" and said.word(begin + 1) != "be" and not is_small(said.word(begin + 1)):
        return None  # likes to laugh
    while begin < end and (said.word(begin) in _LEAD or said.word(begin) in links.LEADS):
        begin += 1
    begin = _behind_passive(said, begin, end)
    if begin < end and said.word(begin) in said.nouns:
        inner = begin + 1
        if inner < end and said.word(inner) in links.OPENERS:
            verbs = said.word(inner) in RELATIVE
            begin = inner if said.word(inner) in links.KEPT else inner + 1
    while begin < end and said.word(begin) in _LEAD and said.word(begin) not in links.KEPT:
        begin += 1
    for place in range(begin + 1, end):
        word = said.word(place)
        if word in links.PRONOUNS and word not in links.DETERMINERS:
            end = place  # interviews in [them]
            break
    while begin < end and (said.word(end - 1) in _LEAD or said.word(end - 1) in links.TRAILS):
        end -= 1
    while begin < end - 1 and _is_adverb(said.word(end - 1)):
        end -= 1
    words = [said.word(place) for place in range(begin, end) if said.tokens[place].is_word]
    if not words or len(words) > LONGEST_PHRASE or any(said.taken[begin:end]):
        return None
    if begin and said.tokens[begin - 1].word in _QUOTES and said.tokens[begin].capital:
        return None  # a title that the catalog does not have
    if words[0] in links.PRONOUNS or any(word in links.PRONOUNS for word in words if word not in links.DETERMINERS):
        return None
    if any(word in links.VERBS for word in words) and not verbs:
        return None
    content = [
        word
        for word in words
        if word in links.TELLING or (word not in links.EMPTY and word not in said.nouns and not is_small(word))
    ]
    if not content or (len(words) == 1 and (len(words[0]) < 3 or _is_adverb(words[0]))):
        return None
    return begin, end


def _behind_passive(said: Marked, begin: int, end: int) -> int:
    """Of "being surprised" and "to be scared", the participle."""
    place = begin
    while place < end and said.word(place) in ("to", "be", "being", "getting"):
        place += 1
    is_passive = begin < place < end and said.word(place).endswith(("ed", "en"))
    return place if is_passive else begin


def adjective_of_ones(said: Marked, begin: int, end: int) -> tuple[int, int] | None:
    """The old ones; a short one: an adjective of a noun that is said before, and what stands for it."""
    ones = next(
        (place for place in range(begin + 1, end) if said.word(place) in ONES and said.word(place + 1) != "of"), None
    )
    if ones is None or not modifies(said, ones - 1):
        return None
    first = ones - 1
    while first > begin and modifies(said, first - 1):
        first -= 1
    return first, ones + 1


def _is_adverb(word: str) -> bool:
    return word.endswith("ly") and word not in links.ADJECTIVES_LY


def each_modifier(said: Marked, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Slow-burn, supernatural: adjectives tell something each; serial killer is one thing."""
    units: list[tuple[int, int]] = []
    for place in range(begin, end):
        if units and goes_on(said, place):
            units[-1] = units[-1][0], place + 1
        else:
            units.append((place, place + 1))
    if all(_is_adjective(said, first, last) for first, last in units):
        yield from units
    else:
        yield begin, end


def _is_adjective(said: Marked, begin: int, end: int) -> bool:
    return end - begin > 1 or _ADJECTIVE_EN.search(said.word(begin)) is not None


def follows_as_adjective(said: Marked, place: int) -> bool:
    """Whether a Spanish adjective stands behind its noun, with the noun's number: comedias negras."""
    word, noun = said.word(place), said.word(place - 1)
    if said.language != "es" or said.taken[place] or not modifies(said, place):
        return False
    return _ADJECTIVE.search(word) is not None and word.endswith("s") == noun.endswith("s")


def narrows(said: Marked, begin: int, place: int) -> bool:
    """Whether tokens `begin` to `place` stand for a noun that was said before: those with, die mit, solche ohne."""
    words = [said.word(at) for at in range(begin, place + 1)]
    if _is_condition(said, place) or _is_either(said, place) or _is_it(said, place):
        return True
    if said.language == "es" and [said.word(place - 2), said.word(place - 1)] in (["los", "de"], ["las", "de"]):
        return True
    if not words or place < 1 or not ({words[-1], said.word(place - 1)} & links.OPENERS):
        return False
    return bool({"those", "ones", "one", "solche", "diejenigen"} & set(words)) or (
        said.language == "de" and words[0] in ("die", "den", "der", "denen") and len(words) <= 3
    )


def _is_condition(said: Marked, place: int) -> bool:
    """Behind "provided these are", "when they contain a", "where it is laced with"."""
    at = place - 1
    while at >= max(0, place - 6) and said.tokens[at].is_word and not said.taken[at]:
        if said.word(at) in _IT:
            return said.word(at - 1) in _IF or (said.word(at - 1) == "as" and said.word(at - 2) in ("long", "far"))
        at -= 1
    return False


def _is_it(said: Marked, place: int) -> bool:
    """Behind "like it", "likes them": sad, clean."""
    return said.word(place - 1) in ("it", "them") and said.word(place - 2) in _LIKE


def _is_either(said: Marked, place: int) -> bool:
    """Behind a comma and "both", "be it": westerns, both classic and revisionist."""
    at = place - 1
    while at > max(0, place - 5) and said.tokens[at].is_word and not said.taken[at]:
        if said.word(at) in _EITHER:
            return said.word(at - 1) == ","
        if (said.word(at - 1), said.word(at)) == ("be", "it"):
            return said.word(at - 2) == ","
        at -= 1
    return False


def is_small(word: str) -> bool:
    return (
        word in links.OPENERS
        or word in links.DETERMINERS
        or word in links.INTENSIFIERS
        or word in links.ATTACH
        or word in links.PRAISE
        or word.replace("'", "").isdecimal()
        or not word.replace("'", "").isalnum()
        or is_number(word)
    )


def in_compound(said: Marked, place: int) -> bool:
    """Whether a word is part of a longer one: black-and-white, hand-drawn, coming-of-age, black and white."""
    return goes_on(said, place) or goes_on(said, place + 1)


def goes_on(said: Marked, place: int) -> bool:
    """Whether a word is part of a longer one that began before it."""
    return _is_hyphened(said, place) or any(
        said.word(at) in _AND and (said.word(at - 1), said.word(at + 1)) in _JOINED for at in (place - 1, place)
    )


def _is_hyphened(said: Marked, place: int) -> bool:
    """Whether a hyphen stands before a word."""
    if not 0 < place < len(said.tokens):
        return False
    own = said.tokens[place]
    return own.glued and own.is_word and said.text[said.tokens[place - 1].end : own.start] == "-"


def modifies(said: Marked, place: int) -> bool:
    token = said.tokens[place]
    word = token.word
    if _is_hyphened(said, place) and (said.word(place - 1) == "well" or _is_adverb(said.word(place - 1))):
        return False  # well-made
    if word in _ONLY_IN_COMPOUNDS and not said.taken[place] and in_compound(said, place):
        return True
    return (
        token.is_word
        and not said.taken[place]
        and word.isalpha()
        and len(word) > 2
        and word not in said.nouns
        and not is_number(word)
        and (said.language != "de" or token.capital or _INFLECTED.search(word) is not None)
        and not (said.word(place - 1) in _HAS and word.endswith(("ed", "en")))
        and not (
            word in links.DETERMINERS
            or word in links.PRONOUNS
            or word in links.INTENSIFIERS
            or word in links.PRAISE
            or word in links.VERBS
            or word in links.STOPS
            or word in links.OPENERS
            or word in links.ATTACH
            or word in links.NEGATORS
            or word in links.EMPTY
            or word in links.HEDGES
            or _is_adverb(word)
            or (word.endswith("s") and not word.endswith(("ss", "ous", "sports", "less")) and said.language == "en")
        )
    )


def phrase_facet(said: Marked, begin: int, end: int) -> Facet:
    return Facet("phrase", "", said.text[said.tokens[begin].start : said.tokens[end - 1].end])


def heads_a_phrase(said: Marked, place: int, end: int) -> bool:
    """Whether an unknown noun follows a kind that only tells what sort of it is meant."""
    word = said.word(place)
    if place >= end or said.taken[place] or not said.tokens[place].is_word or said.language != "en":
        return False
    if said.word(place - 1).endswith("s") or word in said.nouns or not word.isalpha() or not word.endswith("s"):
        return False
    small = links.VERBS | links.STOPS | links.OPENERS | links.ATTACH | links.PRONOUNS | links.DETERMINERS | links.EMPTY
    small |= links.GOING
    if said.word(place + 1) in links.PRONOUNS | links.DETERMINERS:
        return False  # comedy bores him
    return (
        len(word) > 4 and word not in small | links.INTENSIFIERS | links.NEGATORS and not word.endswith(("ss", "ous"))
    )
