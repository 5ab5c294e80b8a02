"""How something is liked that is somebody's own: my horror slow and sad."""

from collections.abc import Sequence

from recommender.grounding import links
from recommender.grounding.opinions import Opinion
from recommender.grounding.phrases import Marked


def fitted(said: Marked, found: Sequence[Opinion]) -> list[Opinion]:
    """I like my horror slow and sad: how something known is liked belongs to it."""
    kept: list[Opinion] = []
    for opinion in found:
        one, known = opinion.aspect, kept[-1].aspect if kept else None
        if (
            known is not None
            and one.is_phrase
            and not (known.is_phrase or known.is_title)
            and said.word(known.begin - 1) in links.POSSESSIVES
            and (one.begin == known.end or (one.begin == known.end + 1 and said.word(known.end) in ("and", ",")))
            and (known.facets[-1].kind == "phrase" or one.begin == known.end)
        ):
            known.facets = (*known.facets, *one.facets)
            known.end = one.end
        else:
            kept.append(opinion)
    return kept
