"""Aspects in words that people read and that the reader understands again: Drama, 1970–1979. Pure."""

from collections.abc import Mapping, Sequence

from recommender.grounding.statements import Facet

FAR_YEAR = 9999  # the end of a period that has none


def in_words(aspect: Sequence[Facet], titles: Mapping[str, str]) -> str:
    """An aspect for people. `titles`: by external id."""
    return ", ".join(_facet(facet, titles) for facet in aspect)


def _facet(facet: Facet, titles: Mapping[str, str]) -> str:
    if facet.kind == "period":
        first, last = facet.years
        if first == last:
            return str(first)
        if first == 0:
            return f"up to {last}"
        return f"{first} and later" if last == FAR_YEAR else f"{first}–{last}"
    return f"“{titles.get(facet.value, facet.value)}”" if facet.kind in ("title", "phrase") else facet.value
