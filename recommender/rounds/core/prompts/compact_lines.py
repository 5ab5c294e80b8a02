"""How evidence is written for small models and contexts: as in `evidence_lines`, in a third of the tokens.

    +4 "Heat" Action

A sign for what the person thought, the rating, the title without what its end has in brackets, and the first value of
the first attribute that has any. Of the two histories of an item the latest entries are shown, and one description.
"""

import re
from collections.abc import Sequence

from recommender.grounding.prose import prose_of, without_prose
from recommender.rounds.core.prompts import evidence_lines
from recommender.rounds.core.types import Encounter, Subject

SIGNS = {True: "+", False: "-", None: "?"}
MOST_TITLE = 40  # characters
MOST_FACTS = 240  # characters of an item's attributes
MOST_PROSE = 240  # of its description
MOST_OF_ITEM = 10  # entries of each of an item's two histories
MOST_OF_DESCRIBED = 8  # the same where the item is described too, which costs as much
_IN_BRACKETS = re.compile(r"(?:\s*\([^()]*\))+\s*\Z")  # a year costs six tokens, which are most of a short title's line


def legend(subject: Subject) -> str:
    """How to read the lines: the same for all subjects of a catalog, whether they have ratings or not."""
    rating = f"; a number after it is the rating, up to {evidence_lines.number(subject.rating_max)}"
    order = "The oldest comes first." if subject.ordered else "They come in no order that means anything."
    return f"In a history: + liked, - not liked, ? not known{rating}. {order}"


def history_lines(history: Sequence[Encounter]) -> str:
    return "\n".join(map(_line, history)) or "(none)"


def histories_of_item(subject: Subject) -> tuple[str, str]:
    most = MOST_OF_DESCRIBED if prose_of(subject.attributes) else MOST_OF_ITEM
    return history_lines(subject.liker[-most:]), history_lines(subject.disliker[-most:])


def item_lines(subject: Subject) -> str:
    facts = evidence_lines.attributes_line(subject.attributes)
    lines = [evidence_lines.title_line(subject.title, MOST_TITLE), facts[:MOST_FACTS]]
    told = evidence_lines.prose_lines(subject.attributes, most=1, longest=MOST_PROSE)
    return "\n".join(filter(None, [*lines, *told]))


def _line(encounter: Encounter) -> str:
    rating = "" if encounter.rating is None else evidence_lines.number(encounter.rating)
    title = evidence_lines.title_line(_IN_BRACKETS.sub("", encounter.title) or encounter.title, MOST_TITLE)
    known = without_prose(encounter.attributes).values()
    values = next(filter(None, map(evidence_lines.values_of, known)), [])
    return " ".join([f"{SIGNS[encounter.liked]}{rating}", title, *values[:1]])
