"""What stories are about, said in other words and in other languages: tables/topics.txt, without any encoder."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from recommender.grounding import tables
from recommender.grounding.terms import stem, stems_of


def other_words(phrase: Iterable[str]) -> Sequence[str]:
    """Terms that mean what a phrase of these words, casefolded, says; none where it is not a topic of the table."""
    return _others().get(frozenset(map(stem, phrase)), ())


@cache
def _others() -> Mapping[frozenset[str], Sequence[str]]:
    """By the stems of a topic's name: its other names."""
    found: dict[frozenset[str], list[str]] = {}
    for line in tables.lines("topics"):
        names = {frozenset(stems_of(name)): name.strip() for name in line.split(",")}
        for stems in names:
            found[stems] = [name for other, name in names.items() if other != stems]
    return found
