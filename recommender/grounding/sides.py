"""Which side of an item a sentence speaks of: people who like it, people who do not. Pure."""

import re

from recommender.grounding.phrases import Marked
from recommender.grounding.statements import Holder

_IT = r"(?:it|this|the (?:film|movie|book|game|item))"
_ADVERB = r"(?:(?:really|much|particularly|especially|actually|truly) )?"
_DISLIKERS = re.compile(
    rf"(?:\b(?:not|never)|n['’]t) {_ADVERB}(?:like|enjoy|love|care for|take to|warm to) {_IT}\b"
    rf"|\b(?:dislik|hat|loath|detest|pann)\w* {_IT}\b|\b(?:rated|marked|scored) {_IT} (?:low|badly|poorly|down)\b"
    rf"|\b(?:gave|give|gives) {_IT} (?:low|poor|bad) (?:marks|ratings|scores)\b",
    re.IGNORECASE,
)
_LIKERS = re.compile(
    rf"\b(?:lik|enjoy|lov|ador|admir|prais)(?:e|es|ed|s)? {_IT}\b"
    rf"|\b(?:rated|marked|scored) {_IT} (?:high|highly|well)\b"
    rf"|\b(?:gave|give|gives) {_IT} (?:high|good|top|full) (?:marks|ratings|scores)\b",
    re.IGNORECASE,
)
_SIDE = re.compile(
    r"(?:\b(?:of|among|for|to|with|by)\s+)?(?:\b\w+\s+){1,3}(?:who|that)\s+(?:(?:did|do|does|really)\s*)*"
    rf"(?:{_DISLIKERS.pattern}|{_LIKERS.pattern})[:,]?\s*",
    re.IGNORECASE,
)


def named(sentence: str) -> set[Holder]:
    """The sides that a sentence names."""
    without, count = _DISLIKERS.subn(" ", sentence)
    sides: list[tuple[Holder, bool]] = [("dislikers", count > 0), ("likers", _LIKERS.search(without) is not None)]
    return {holder for holder, found in sides if found}


def said_of_one(sentence: str) -> tuple[Holder, str] | None:
    """The only side that a sentence names, and what it says of it, as of a person: "They prefer westerns"."""
    sides, side = named(sentence), _SIDE.search(sentence)
    if len(sides) != 1 or side is None:
        return None
    rest = sentence[side.end() :]
    return next(iter(sides)), rest if side[0].rstrip()[-1] in ":," else f"They {rest}"


def hide(said: Marked, sentence: str) -> None:
    """Whom a sentence speaks of is no opinion about what it counts."""
    start = said.tokens[0].start
    for match in (*_DISLIKERS.finditer(sentence), *_LIKERS.finditer(sentence)):
        for place, token in enumerate(said.tokens):
            if match.start() < token.end - start and token.start - start < match.end():
                said.taken[place] = True
