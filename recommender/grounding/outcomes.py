"""Words that say how something was received, for a second look at what a reader of whole sentences made of it. Pure."""

from collections.abc import Sequence
from typing import Literal, get_args

from recommender.grounding import tables
from recommender.grounding.cues import Cue, Language, cues_in, words_of
from recommender.grounding.links import ASKED
from recommender.grounding.phrases import Marked
from recommender.grounding.words import word_set

# Well or badly.
_OUTCOMES = word_set("ended fared went landed met came got earned drew received turned proved rate ratio quote tasa")
_RECEIVED = tables.sections("received")


def _words_of(language: Language, side: Literal["liked", "disliked"]) -> frozenset[str]:
    """Those of English are understood everywhere."""
    lines = [line for each in {"en", language} for line in _RECEIVED[f"{side} {each}"]]
    return words_of("/".join(" ".join(lines).split()))


_POSITIVE: dict[Language, frozenset[str]] = {each: _words_of(each, "liked") for each in get_args(Language)}
_NEGATIVE: dict[Language, frozenset[str]] = {each: _words_of(each, "disliked") for each in get_args(Language)}
REACH = 6  # words from a negation to what it turns round
_NEGATIONS = word_set(
    "without little not never nothing hardly rarely seldom scarcely barely no cannot nor neither"
    " nicht nie niemals kaum kein keine keinen keiner ohne nunca jamas tampoco apenas sin"
)

ANSWERS = dict.fromkeys(("yes", "always", "ja", "immer", "si", "siempre"), True)
ANSWERS |= dict.fromkeys(("no", "never", "nein", "nie", "niemals", "nunca"), False)
SIGNS = {"+": True, "-": False, "👍": True, "👎": False, "✓": True, "✗": False}
_OTHER_NEGATIONS = {("yet", "to"), ("far", "from"), ("anything", "but"), ("alles", "andere"), ("short", "of")}
_OTHER_NEGATIONS |= {("below", "the"), ("below", "their"), ("below", "his"), ("below", "her")}
_CONTENT = word_set("dread misery torment torture nightmare burden punishment passion delight joy bliss agony boredom")
_OF_CONTENT = word_set("build builds built building of about creeping mounting slow sheer existential")  # full of dread
_WHEN = word_set("before after since until")
_THE = word_set("the a their his her this that our")
_MAY_PLEASE = word_set("to not did do does would will could can may might must that which they all cannot nothing")
_CLAUSES = word_set(", ; : . – — and but while whereas und aber y pero")
_BREAKS = word_set(", ; : ( ) — – but aber sondern pero sino while whereas")


def told(said: Marked, places: Sequence[int]) -> bool | None:
    """Whether these tokens tell of something liked, or of something that was not; None where they do not say, or both.

    Of the reader's own expressions only those of several words count: of one word, too many mean something else.
    """
    signs = set()
    positive, negative = _POSITIVE[said.language], _NEGATIVE[said.language]
    if len(places) > 1 and places[0] == 0 and (sign := SIGNS.get(said.word(0))) is not None:
        return sign  # a line that begins with + or -
    for at, place in enumerate(places):
        word = "" if said.taken[place] else said.word(place)
        if word == "please" and said.word(place - 1) not in _MAY_PLEASE:
            continue  # please note
        if word == "well" and said.word(place - 1) == "as":
            continue
        if said.word(place - 2) in _WHEN and said.word(place - 1) in _THE:
            continue  # rated before the complaint
        if word in _CONTENT and said.word(place - 1) in _OF_CONTENT:
            continue
        if word in positive or word in negative:
            signs.add((word in positive) is not _negated(said, _near(said, places[:at])))
    if signs:
        return signs.pop() if len(signs) == 1 else None
    words = [said.word(place) for place in places if said.word(place) not in (".", "!")]
    if len(words) > 2 and words[-2] in (":", "–", "—") and words[-1] in ANSWERS:
        return ANSWERS[words[-1]]
    cues = [cue for cue in _cues(said, places) if cue.polarity and cue.end - cue.begin > 1]
    kinds = {cue.polarity for cue in cues}
    if len(kinds) != 1:
        return None
    inside = {places[at] for cue in cues for at in range(cue.begin, cue.end)}
    if _negated(said, [place for place in places if place not in inside]):  # "cannot get enough of" is no negation
        return False if kinds == {1} else None
    return kinds == {1}


def told_last(said: Marked, end: int) -> bool | None:
    """How what a sentence names last before a token was received, clause by clause back to its begin."""
    while end > 0:
        begin = next((at for at in range(end - 1, 0, -1) if said.word(at) in _CLAUSES and not said.taken[at]), 0)
        if (liked := told(said, range(begin, end))) is not None:
            return liked
        end = begin
    return None


def _negated(said: Marked, places: Sequence[int]) -> bool:
    """Whether a negation is among these tokens; "don't they just love it" asks for a yes."""
    return any(
        not said.taken[place]
        and said.word(place + 1) not in ASKED
        and (said.word(place) in _NEGATIONS or (said.word(place), said.word(place + 1)) in _OTHER_NEGATIONS)
        for place in places
    )


def _near(said: Marked, places: Sequence[int]) -> Sequence[int]:
    """Of the tokens before a word those that may negate it: near, and not of another clause."""
    first = max(0, len(places) - REACH)
    breaks = [at for at in range(first, len(places)) if said.word(places[at]) in _BREAKS]
    return places[breaks[-1] + 1 if breaks else first :]


def hinted(said: Marked, places: Sequence[int]) -> bool:
    """Whether they tell of an outcome, well or badly, though not surely which."""
    words = {said.word(place) for place in places}
    return not _OUTCOMES.isdisjoint(words) or any(cue.polarity for cue in _cues(said, places))


def _cues(said: Marked, places: Sequence[int]) -> list[Cue]:
    inside = slice(places[0], places[-1] + 1) if places else slice(0)
    return cues_in(said.tokens[inside], said.taken[inside], said.language)
