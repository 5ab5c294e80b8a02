"""Counts as opinions: who liked 3 of 11 dramas does not like dramas, however warm the words are. Pure."""

from collections.abc import Iterable

from recommender.grounding.counted import share_liked
from recommender.grounding.cues import NOTHING
from recommender.grounding.opinions import Opinion
from recommender.grounding.phrases import Marked
from recommender.grounding.quantities import counts_of
from recommender.grounding.scores import polarity_of_share


def settle(said: Marked, opinions: Iterable[Opinion]) -> None:
    """Opinions of what the sentence counts are as the share of likes is."""
    shares = [(count.noun, share) for count in counts_of(said) if (share := share_liked(said, count)) is not None]
    for opinion in opinions if shares else ():
        if opinion.aspect.is_title or opinion.aspect.is_phrase or opinion.polarity == NOTHING:
            continue
        for noun, share in shares:
            if noun.begin <= opinion.aspect.begin < noun.end:
                opinion.polarity, opinion.strength, opinion.is_plain = polarity_of_share(share), 0.75, True
