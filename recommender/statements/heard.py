"""What a person says of their own taste in plain words: what of it is understood, and what is not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from recommender.grounding import reader
from recommender.grounding.sentences import spans
from recommender.grounding.statements import Statement as Said
from recommender.grounding.tagger.tags import tagger
from recommender.statements.aspects import CatalogAspects

LONGEST_TEXT = 2_000  # characters
# Below it what is wanted and what is not may be the other way round, and a list that moves the wrong way is worse than
# one that asks. Chosen on texts that may be looked at (docs/experiments-reading.md), for the tagger of now: another
# may be surer, or less sure, of as much.
SURE = 0.7


@dataclass(frozen=True, slots=True)
class Heard:
    """`opinions`: what they like, dislike or are in two minds about, each aspect once, in the order of the words.

    `unsure`: what is liked or disliked, and it is not sure which: it moves nothing until they say so in other words.
    `unheard`: the sentences that say nothing of that kind, as the text has them.
    """

    opinions: tuple[Said, ...] = ()
    unsure: tuple[Said, ...] = ()
    unheard: tuple[str, ...] = ()


def hear(text: str, aspects: CatalogAspects) -> Heard:
    """Read words of at most LONGEST_TEXT characters. Of an aspect that is named twice the last opinion counts."""
    read = reader.read(text, aspects.lexicon, about="end_user", tagger=tagger())
    own = [one for one in read if one.holder == "subject" and one.polarity != "neutral"]
    last = {one.key: one for one in own}
    sure, unsure = parted(sorted(last.values(), key=lambda one: one.start))
    said = [
        sentence
        for start, end in spans(text)
        if (sentence := " ".join(text[start:end].split())) and not _any_within(own, start, end)
    ]
    return Heard(tuple(sure), tuple(unsure), tuple(said))


def parted(said: Iterable[Said]) -> tuple[list[Said], list[Said]]:
    """What was read surely, and what may as well be the other way round."""
    sure: list[Said] = []
    unsure: list[Said] = []
    for one in said:
        (sure if one.sureness >= SURE else unsure).append(one)
    return sure, unsure


def _any_within(said: Sequence[Said], start: int, end: int) -> bool:
    return any(one.start < end and start < one.end for one in said)
