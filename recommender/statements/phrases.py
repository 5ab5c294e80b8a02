"""Phrases of statements: which items' texts tell of them, by their words or by terms that mean the same.

What means the same a worker finds (knowledge.meanings) and this reads: nothing here encodes, and nothing is read when
somebody's list is made.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from recommender.grounding.sentences import spans
from recommender.grounding.telling import tells_of
from recommender.grounding.terms import spellings
from recommender.models import Catalog, PhraseMeaning

LONGEST_PHRASE = 200  # characters
MOST_PHRASES = 20_000  # of a catalog, those of the newest statements
Near = Sequence[tuple[str, float]]  # terms and degrees, above 0 and below 1, the nearest first


@dataclass(frozen=True, slots=True)
class Told:
    """A text about an item: an approved one, `turn_id`: which; or, where that is None, what its `attribute` says."""

    turn_id: int | None
    text: str
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Where a text tells of a phrase: its characters `start` to `end`. `term`: the words that mean the phrase there;
    empty where its own words stand there. `turn_id` and `attribute`: as of Told."""

    turn_id: int | None
    start: int
    end: int
    quote: str
    term: str
    attribute: str = ""


def key_of(phrase: str) -> str:
    """What a phrase's meaning is kept under, however it is written; empty for one too long to be a phrase."""
    key = " ".join(phrase.casefold().split())
    return key if len(key) <= LONGEST_PHRASE else ""


def meanings_of(catalog: Catalog) -> Mapping[str, Near]:
    """By the key of a phrase. One query."""
    rows = PhraseMeaning.objects.filter(catalog=catalog).exclude(terms=[]).order_by("-seen")
    return {
        phrase: [(term, degree) for term, degree in terms]
        for phrase, terms in rows.values_list("phrase", "terms")[:MOST_PHRASES]
    }


def sentence_of(told: Iterable[Told], wanted: Set[str], *, term: str = "") -> Sentence | None:
    """The first sentence of these texts that tells of all of these stems, as it is written."""
    for one in told:
        folded = one.text.casefold()
        if not all(
            any(map(folded.__contains__, spellings(stem))) for stem in wanted
        ):  # most texts: none of their sentences has to be read
            continue
        for start, end in spans(one.text):
            if tells_of(one.text[start:end], wanted):
                quote = " ".join(one.text[start:end].split())
                return Sentence(one.turn_id, start, end, quote, term, one.attribute)
    return None
