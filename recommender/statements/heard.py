"""What a person says of their own taste in plain words: what of it is understood, and what is not."""

from dataclasses import dataclass

from recommender.grounding import reader
from recommender.grounding.sentences import spans
from recommender.grounding.statements import Statement as Said
from recommender.grounding.tagger.tags import tagger
from recommender.statements.aspects import CatalogAspects

LONGEST_TEXT = 2_000  # characters


@dataclass(frozen=True, slots=True)
class Heard:
    """`opinions`: what they like, dislike or are in two minds about, each aspect once, in the order of the words.

    `unheard`: the sentences that say nothing of that kind, as the text has them.
    """

    opinions: tuple[Said, ...] = ()
    unheard: tuple[str, ...] = ()


def hear(text: str, aspects: CatalogAspects) -> Heard:
    """Read words of at most LONGEST_TEXT characters. Of an aspect that is named twice the last opinion counts."""
    read = reader.read(text, aspects.lexicon, about="end_user", tagger=tagger())
    own = [one for one in read if one.holder == "subject" and one.polarity != "neutral"]
    last = {one.key: one for one in own}
    said = [
        sentence
        for start, end in spans(text)
        if (sentence := " ".join(text[start:end].split())) and not _any_within(own, start, end)
    ]
    return Heard(tuple(sorted(last.values(), key=lambda one: one.start)), tuple(said))


def _any_within(said: list[Said], start: int, end: int) -> bool:
    return any(one.start < end and start < one.end for one in said)
