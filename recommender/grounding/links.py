"""The small words of a sentence: what links noun phrases and clauses, what a phrase begins with, what says nothing."""

from collections.abc import Sequence
from typing import Literal, cast

from recommender.grounding import tables
from recommender.grounding.words import Token

# tables/links.txt says what each is.
Link = Literal["list", "same", "again", "flip", "except", "if", "aside", "contrast"]


def _read() -> dict[str, list[tuple[tuple[str, ...], Link]]]:
    index: dict[str, list[tuple[tuple[str, ...], Link]]] = {}
    for link, lines in tables.sections("links").items():
        for line in lines:
            words = tuple(line.split())
            index.setdefault(words[0], []).append((words, cast(Link, link)))
    for known in index.values():
        known.sort(key=lambda pair: -len(pair[0]))
    return index


_LINKS = _read()
PREFERENCE = frozenset(
    {"over", "to", "than", "als", "gegenuber", "que", "a", "al", "zu", "before", "above"}
)  # behind "prefers"


def link_at(tokens: Sequence[Token], place: int) -> tuple[int, Link] | None:
    """The end and the kind of a link that begins at a token, the longest first."""
    for words, link in _LINKS.get(tokens[place].word, ()):
        if len(words) == 1:
            return place + 1, link
        at = place
        for word in words:
            while at < len(tokens) and tokens[at].word == "." and at > place:
                at += 1
            if at >= len(tokens) or tokens[at].word != word:
                break
            at += 1
        else:
            return at, link
    return None


JOINTS = frozenset({"and", "or", "nor", "both", "the", "as", "well", "und", "oder", "sowie", "y", "o", "e", "ni"})


_SMALL = {name: frozenset(" ".join(lines).split()) for name, lines in tables.sections("small").items()}
NEGATORS = _SMALL["negators"]
STRONG = _SMALL["strong"]
HEDGES = _SMALL["hedges"]
PRONOUNS = _SMALL["pronouns"]
DETERMINERS = _SMALL["determiners"]
INTENSIFIERS = _SMALL["intensifiers"]
PRAISE = _SMALL["praise"]
VERBS = _SMALL["verbs"]  # where one stands, no noun phrase goes on
GOING = _SMALL["going"]  # verbs that look like the plural of a noun: sci-fi trails at 2
STOPS = _SMALL["stops"]
OPENERS = _SMALL["openers"]  # of what narrows a noun
KEPT = frozenset(
    {"in", "without", "over", "under", "set", "ohne", "sin", "uber", "by"}
)  # openers that belong to a phrase
ATTACH = _SMALL["attach"]  # what joins a creator, a country or a period to a noun
EMPTY = _SMALL["empty"]  # words that say nothing by themselves
LEADS = _SMALL["leads"]  # what a phrase may have in front
TRAILS = _SMALL["trails"]  # and behind
ADJECTIVES_LY = _SMALL["adjectives ly"]  # words that only end like adverbs
HONORIFICS = _SMALL["honorifics"]
TELLING = _SMALL["telling"]  # words for items that say of what kind
REFLEXIVES = _SMALL["reflexives"]
PERSONS = _SMALL["persons"]  # behind a kind: what stands before it is said of them
SUBJECTS = _SMALL["subjects"]  # words behind which "like" is a verb
POSSESSIVES = frozenset({"my", "their", "his", "her", "your", "our", "its"})
OF_NAMES = _SMALL["of names"]  # behind a name they tell nothing
KIN = _SMALL["kin"]  # whose tastes are their own
EVERYONE = _SMALL["everyone"]
OF_KIN = _SMALL["of kin"]  # what may be said of them: my late husband
CALLED = _SMALL["called"]  # kin whom one calls so, without an owner
OWNERS = _SMALL["owners"]  # before them
BETWEEN = _SMALL["between"]  # what may stand between them and their verb
ASKED = frozenset({"they", "he", "she", "we", "you", "it", "i"})  # behind "not" in a question that knows the answer
