"""What only narrows a kind that is said before: those with twists, the talky kind, but not American ones."""

from collections.abc import Sequence

from recommender.grounding.aspects import Aspect
from recommender.grounding.phrases import ONES
from recommender.grounding.statements import Facet


def take_over(aspect: Aspect, base: Aspect | None, earlier: Sequence[Aspect]) -> None:
    """What stands for a noun, or narrows it, has its facets as well."""
    if not (aspect.stands_for or (aspect.is_phrase and aspect.link == "except") or aspect.link == "if"):
        return
    if base is None:
        known = [each for each in earlier if not (each.is_title or each.is_phrase) and each.end <= aspect.begin]
        base = known[-1] if known else None
    if base is not None and set(base.facets).isdisjoint(aspect.facets):  # else it says its kind itself
        names = {facet.name for facet in aspect.facets if facet.name}
        own = tuple(map(_without_ones, aspect.facets))
        # Those with twists are as slow as the dramas before; but the melodramatic ones are not as restrained.
        kinds = ("attribute",) if own != aspect.facets or base.is_phrase else ("attribute", "phrase")
        rest = tuple(facet for facet in base.facets if facet.kind in kinds and facet.name not in names)
        own = own if rest else aspect.facets
        aspect.facets = (*rest, *own)


def _without_ones(facet: Facet) -> Facet:
    """Of "old ones", "old": what they stand for is known."""
    word, _, ones = facet.value.rpartition(" ")
    return Facet("phrase", "", word) if facet.kind == "phrase" and word and ones in ONES else facet
