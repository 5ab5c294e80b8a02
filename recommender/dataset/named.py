"""A split as one text, which says all there is to say: a name, or `given` with its moments. Runs of LLMs store it so.

Two runs went by the same split where these texts are equal: each split has one spelling.
"""

import re
from collections.abc import Mapping

from recommender.dataset.interactions import Interactions
from recommender.dataset.split import NO_CUTS, SPLITS, Codes, Cuts, split
from recommender.models import Clock
from recommender.setting import Choice, Spelled

_GIVEN = re.compile(r"given:(0|-?[1-9][0-9]{0,17}):(0|-?[1-9][0-9]{0,17})")

ALONE: Mapping[str, Choice] = {name: choice for name, choice in SPLITS.items() if name != "given"}


def spelled(name: str, cuts: Cuts = NO_CUTS) -> str:
    """The text of a split that a training run names, and cuts if it is `given`."""
    return f"{name}:{cuts[0]}:{cuts[1]}" if name == "given" else name


def parsed(text: str) -> tuple[str, Cuts]:
    """The name and the moments of such a text. Raises ValueError for another text."""
    if text in ALONE:
        return text, NO_CUTS
    if (found := _GIVEN.fullmatch(text)) and int(found[1]) < int(found[2]):
        return "given", (int(found[1]), int(found[2]))
    raise ValueError(f"{text!r} is no split: {', '.join(ALONE)}, or {GIVEN.form}.")


def codes_of(text: str, interactions: Interactions, clock: str) -> Codes:
    """The part of every interaction (n). `clock`: the catalog's. Raises as `split.split`, ValueError as `parsed`."""
    name, cuts = parsed(text)
    return split(
        name,
        interactions.end_user,
        interactions.liked,
        moment=interactions.moment,
        clock=Clock(clock),
        cuts=cuts,
    )


def _fits(text: str) -> bool:
    try:
        return parsed(text)[0] == "given"
    except ValueError:
        return False


GIVEN = Spelled("given:VALID_FROM:TEST_FROM", "the first moments to validate on and to test, in this order", _fits)
