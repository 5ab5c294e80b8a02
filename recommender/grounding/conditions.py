"""What is liked under a condition only."""

from collections.abc import Sequence

from recommender.grounding import links
from recommender.grounding.opinions import Opinion
from recommender.grounding.phrases import Marked

_ONLY = frozenset({"only", "nur", "solo"})


def only_if(said: Marked, opinions: Sequence[Opinion]) -> None:
    """Comedies, but only if they are old, are liked in part: also where nobody knows what the condition is."""
    for place, token in enumerate(said.tokens):
        if token.word not in _ONLY or said.taken[place]:
            continue
        link = links.link_at(said.tokens, place)
        if link is None or link[1] != "if" or link[0] - place < 2:
            continue
        before = [each for each in opinions if each.aspect.end <= place]
        after = [each for each in opinions if each.aspect.begin >= place]
        if before and before[-1].polarity == 1 and not before[-1].aspect.is_title and not after:
            before[-1].polarity = 0
