"""Whose taste an expression tells: what somebody's kin like, or everyone, is no taste of their own."""

from dataclasses import replace

from recommender.grounding import links
from recommender.grounding.cues import NOTHING, Cue
from recommender.grounding.phrases import Marked

_JOINTS = frozenset({"and", "but", "though", "although", "while", "whereas", "und", "aber", "wahrend", "y", "pero"})
_OBJECTS = frozenset({"me", "him", "her", "them", "us", "mich", "mir", "ihn", "ihm", "le", "les", "nos"})
_SUBJECTS = links.ASKED | {"ich", "wir", "er", "yo", "nosotros", "me", "mich", "mir", "nos"}


def of_whom(said: Marked, cue: Cue) -> Cue:
    """The expression, with the polarity NOTHING where it is somebody else's."""
    if cue.polarity is None or any(said.word(place) in _OBJECTS for place in range(cue.begin, cue.end)):
        return cue  # my sister dragged me to it
    is_others = _is_kin(said, cue.begin - 1) or _begins_with_others(said, cue)
    return replace(cue, polarity=NOTHING) if is_others else cue


def _is_kin(said: Marked, place: int) -> bool:
    """Whether the words before an expression are kin: my wife and kids really adore."""
    while place > 0 and not said.taken[place] and said.word(place) in links.KIN | links.BETWEEN | links.OWNERS:
        if said.word(place) in links.KIN and said.word(place - 1) in links.OWNERS:
            return True
        place -= 1
    return False


def _begins_with_others(said: Marked, cue: Cue) -> bool:
    """Whether its clause does, and nobody else comes before it: everyone in my year worships."""
    begin = cue.begin
    while begin > 0 and (said.tokens[begin - 1].is_word or said.taken[begin - 1]):
        begin -= 1
        if said.word(begin) in _JOINTS and not said.taken[begin]:
            begin += 1
            break
    if begin >= cue.begin:
        return False
    is_kin = said.word(begin) in links.OWNERS and said.word(begin + 1) in links.KIN
    is_all = said.word(begin) in links.EVERYONE and said.word(begin + 1) != "who"
    return (is_kin or is_all) and not any(said.word(place) in _SUBJECTS for place in range(begin + 1, cue.begin))
