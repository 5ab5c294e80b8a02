"""Whose taste an expression tells: what somebody's kin like, or everyone, is no taste of their own."""

from dataclasses import replace

from recommender.grounding import links
from recommender.grounding.cues import NOTHING, Cue
from recommender.grounding.phrases import Marked

_JOINTS = frozenset({"and", "but", "though", "although", "while", "whereas", "und", "aber", "wahrend", "y", "pero"})
_REMARK = 8  # words and marks between two commas, at most: "my mother, God rest her, lived for musicals"
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
    place = _before_remark(said, place)
    inside = links.KIN | links.BETWEEN | links.OWNERS | links.OF_KIN
    while place >= 0 and not said.taken[place] and said.word(place) in inside:
        if said.word(place) in links.KIN and _is_owned(said, place):
            return True
        place -= 1
    return False


def _is_owned(said: Marked, place: int) -> bool:
    """My late husband; or Grandad, with whom a sentence begins."""
    first = place
    while first > 0 and said.word(first - 1) in links.OF_KIN:
        first -= 1
    owners = links.OWNERS if first == place else links.OWNERS - {"the"}  # the old mother figure is nobody's
    return said.word(first - 1) in owners or (first == 0 and said.word(place) in links.CALLED)


def _before_remark(said: Marked, place: int) -> int:
    """The token before what stands between two commas; the same where nothing does."""
    if said.word(place) != ",":
        return place
    first = next((at for at in range(place - 1, max(-1, place - _REMARK), -1) if said.word(at) == ","), None)
    return place if first is None or any(said.taken[first:place]) else first - 1


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
    kin = next((at for at in range(begin, cue.begin) if said.word(at) not in links.OWNERS | links.OF_KIN), begin)
    is_kin = said.word(kin) in links.KIN and _is_owned(said, kin)
    is_all = said.word(begin) in links.EVERYONE and said.word(begin + 1) != "who"
    return (is_kin or is_all) and not any(said.word(place) in _SUBJECTS for place in range(begin + 1, cue.begin))
