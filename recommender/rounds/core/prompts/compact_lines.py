"""How evidence is written for small models and contexts: as in `evidence_lines`, in a third of the tokens.

    +4 "Heat (1995)" Action, Crime

A sign for what the person thought, the rating, the title, and the first values of the first attribute that has any. Of
the two histories of an item the latest entries are shown.
"""

from collections.abc import Sequence

from recommender.rounds.core.prompts import evidence_lines
from recommender.rounds.core.types import Encounter, Subject

SIGNS = {True: "+", False: "-", None: "?"}
MOST_TITLE = 60  # characters
MOST_VALUES = 2  # of an entry
MOST_FACTS = 240  # characters of an item's attributes
MOST_OF_ITEM = 10  # entries of each of an item's two histories


def legend(subject: Subject) -> str:
    """How to read the lines, the same for all subjects of a catalog."""
    rated = f" The number is the rating, up to {evidence_lines.number(subject.rating_max)}." if _rated(subject) else ""
    order = "The oldest entry comes first." if subject.ordered else "The entries are in no order that means anything."
    return f"In a history + means liked, - not liked, ? not known whether liked.{rated} {order}"


def history_lines(history: Sequence[Encounter]) -> str:
    return "\n".join(map(_line, history)) or "(none)"


def histories_of_item(history: Sequence[Encounter]) -> str:
    return history_lines(history[-MOST_OF_ITEM:])


def item_lines(subject: Subject) -> str:
    facts = evidence_lines.attributes_line(subject.attributes)
    return "\n".join(filter(None, [evidence_lines.title(subject.title, MOST_TITLE), facts[:MOST_FACTS]]))


def _line(encounter: Encounter) -> str:
    rating = "" if encounter.rating is None else evidence_lines.number(encounter.rating)
    first = next(filter(None, map(evidence_lines.values_of, encounter.attributes.values())), [])
    parts = [
        f"{SIGNS[encounter.liked]}{rating}",
        evidence_lines.title(encounter.title, MOST_TITLE),
        ", ".join(first[:MOST_VALUES]),
    ]
    return " ".join(filter(None, parts))


def _rated(subject: Subject) -> bool:
    return any(each.rating is not None for each in (*subject.history, *subject.liker, *subject.disliker))
