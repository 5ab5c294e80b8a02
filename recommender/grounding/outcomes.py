"""Words that say how something was received, for a second look at what a reader of whole sentences made of it. Pure."""

from collections.abc import Sequence

from recommender.grounding.cues import Cue, Language, cues_in
from recommender.grounding.links import ASKED
from recommender.grounding.phrases import Marked
from recommender.grounding.words import word_set

_OUTCOMES = word_set("ended fared went landed met came got earned drew received turned proved")  # well or badly
_LIKED = word_set(
    "liked like likes loved love loves enjoyed enjoy enjoys positive glad enjoyment pleased pleases approval approved"
    " success successes well good great best favour favor favourite favorite favourable favorable hit hits worked"
    " landed appealed appeal appeals fond happy welcomed care drawn keen interested fan fans plus pleasure"
    " pleasures delight delights delighted joy treat treats win wins won winner winners triumph triumphs praise"
    " praised applause applauded admire admired adore adores adored embraced cherished gem gems impressed"
    " convinced satisfied satisfying rewarded rewarding thrilled charmed entertained gratified excited excellent"
    " enthusiasm enthusiastic affection warmly wonderful superb"
)
_DISLIKED = word_set(
    "disliked dislike dislikes hated hate hates negative failed fails failures rejected reject rejects"
    " disappointed disappoint disappoints disappointing flat cold low lowly poor poorly bad badly worst panned"
    " unfavourable unfavorable avoid avoids avoided wary weary bored bores minus lack absence reverse opposite"
    " misses missed flop flops flopped dud duds chore chores slog misfire misfires misfired dismissed loathe"
    " loathed detest detested unimpressed indifferent unmoved letdown letdowns displeased irritated annoyed"
)
_POSITIVE: dict[Language, frozenset[str]] = {
    "en": _LIKED,
    "de": _LIKED
    | word_set(
        "gefallen gefiel gefielen gemocht mochte mochten mag mogen liebt lieben liebte geliebt genossen genoss gern"
        " gerne begeistert begeistern begeisterten begeisterte gut bestens treffer gelungen uberzeugt positiv"
    ),
    "es": _LIKED
    | word_set(
        "gusto gustaron gusta gustan gustado encanto encantaron encanta encantan encantado disfruto disfruta disfrutado"
        " bien buena buenas bueno buenos favorita favoritas favorito favoritos positiva positivas apasiona apasionan"
    ),
}
_NEGATIVE: dict[Language, frozenset[str]] = {
    "en": _DISLIKED,
    "de": _DISLIKED
    | word_set(
        "missfallen missfiel missfielen langweilig langweilten langweilte langweilen enttauscht enttauschten"
        " enttauschte durchgefallen schlecht schlechter abgelehnt lehnt hasst gehasst negativ"
    ),
    "es": _DISLIKED
    | word_set(
        "aburrieron aburrio aburre aburren aburrido disgustaron disgusto decepcionaron decepciono mal mala malas malo"
        " malos odia odio fracaso rechazo rechaza negativa negativas"
    ),
}
REACH = 4  # words and marks from a negation to what it turns round
_NEGATIONS = word_set(
    "without little not never nothing hardly rarely seldom scarcely barely no cannot nor neither"
    " nicht nie niemals kaum kein keine keinen keiner ohne nunca jamas tampoco apenas sin"
)


def told(said: Marked, places: Sequence[int]) -> bool | None:
    """Whether these tokens tell of something liked, or of something that was not; None where they do not say, or both.

    Of the reader's own expressions only those of several words count: of one word, too many mean something else.
    """
    signs = set()
    positive, negative = _POSITIVE[said.language], _NEGATIVE[said.language]
    for at, place in enumerate(places):
        word = "" if said.taken[place] else said.word(place)
        if word in positive or word in negative:
            signs.add((word in positive) is not _negated(said, places[max(0, at - REACH) : at]))
    if signs:
        return signs.pop() if len(signs) == 1 else None
    cues = [cue for cue in _cues(said, places) if cue.polarity and cue.end - cue.begin > 1]
    kinds = {cue.polarity for cue in cues}
    if len(kinds) != 1:
        return None
    inside = {places[at] for cue in cues for at in range(cue.begin, cue.end)}
    if _negated(said, [place for place in places if place not in inside]):  # "cannot get enough of" is no negation
        return False if kinds == {1} else None
    return kinds == {1}


def _negated(said: Marked, places: Sequence[int]) -> bool:
    """Whether a negation is among these tokens; "don't they just love it" asks for a yes."""
    return any(
        said.word(place) in _NEGATIONS and not said.taken[place] and said.word(place + 1) not in ASKED
        for place in places
    )


def hinted(said: Marked, places: Sequence[int]) -> bool:
    """Whether they tell of an outcome, well or badly, though not surely which."""
    words = {said.word(place) for place in places}
    return not _OUTCOMES.isdisjoint(words) or any(cue.polarity for cue in _cues(said, places))


def _cues(said: Marked, places: Sequence[int]) -> list[Cue]:
    inside = slice(places[0], places[-1] + 1) if places else slice(0)
    return cues_in(said.tokens[inside], said.taken[inside], said.language)
