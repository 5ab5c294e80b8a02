"""Whether a sentence of a text about an item tells of something: not of another item, and not that it is lacking."""

import re
from collections.abc import Set

from recommender.grounding.terms import stems_of, without_titles

_LACKING = re.compile(  # what such a sentence names, the item may well lack
    r"\b(?:not|no|never|without|unlike|nothing|hardly|rather than|(?:dis|un)lik\w*|avoid\w*)\b|n[’']t\b"
    r"|\b(?:kein\w*|nicht|ohne|sin|nunca)\b"
)


def tells_of(sentence: str, wanted: Set[str]) -> bool:
    """Whether a sentence, as it is written, has all of these stems, and denies nothing. Words of titles that it names
    do not count: they tell of other items, and of an item's own its title does.
    """
    folded = without_titles(sentence).casefold()
    return wanted <= stems_of(folded) and not _LACKING.search(folded)
