"""What is liked under a condition only, and what is only sometimes met, in somebody's company."""

from collections.abc import Sequence

from recommender.grounding import links, tables
from recommender.grounding.cues import NOTHING
from recommender.grounding.opinions import Opinion
from recommender.grounding.phrases import Marked
from recommender.grounding.words import word_set

_WATCHED = word_set(
    "watch watches watched see sees saw read reads on schaue schauen schaut schau sehe sehen sieht gucke gucken guckt"
    " lese veo vemos ve leo"
)
_SOMETIMES = word_set("sometimes occasionally then times manchmal gelegentlich veces")  # now and then, a veces
_COMPANY = word_set("with at mit bei con")
_ALONE = frozenset({"solange", "sofern"})
_UNLESS = frozenset({("es", "sei", "denn"), ("a", "menos", "que"), ("a", "no", "ser", "que")})
# Behind a like, what is asked of it: but it must not go on for three hours; pero que no duren tres horas.
_DEMANDS = tuple(tuple(frozenset(part.split("/")) for part in line.split()) for line in tables.lines("demands"))
_BEGINS = frozenset().union(*(demand[0] for demand in _DEMANDS))


def only_if(said: Marked, opinions: Sequence[Opinion]) -> None:
    """Comedies, but only if they are old, are liked in part: also where nobody knows what the condition is."""
    if not any(each.polarity == 1 for each in opinions):
        return
    for place in range(len(said.tokens)):
        if said.taken[place] or not (_is_condition(said, place) or _is_demand(said, place)):
            continue
        before = [each for each in opinions if each.aspect.end <= place]
        after = [each for each in opinions if each.aspect.begin >= place]
        if before and before[-1].polarity == 1 and not before[-1].aspect.is_title and not after:
            before[-1].polarity, before[-1].is_plain = 0, True


def only_met(said: Marked, opinions: Sequence[Opinion]) -> None:
    """A thing that I watch with my brother, sometimes: that tells what is met, and nothing of what is liked."""
    words = [token.word for token in said.tokens]
    mixed = [each for each in opinions if each.polarity == 0 and not each.aspect.is_title]
    if not mixed or _WATCHED.isdisjoint(words) or _SOMETIMES.isdisjoint(words):
        return
    owned = (at for at, word in enumerate(words) if word in links.KIN and words[at - 1] in links.OWNERS)
    if any(_COMPANY & set(words[max(0, at - 4) : at]) for at in owned):
        for opinion in mixed:
            opinion.polarity = NOTHING


def _is_condition(said: Marked, place: int) -> bool:
    """Only if, as long as, siempre que; but not "if", which says much else, nor "unless"."""
    link = links.link_at(said.tokens, place)
    if link is None or link[1] != "if" or (link[0] - place < 2 and said.word(place) not in _ALONE):
        return False
    return tuple(token.word for token in said.tokens[place : link[0]]) not in _UNLESS


def _is_demand(said: Marked, place: int) -> bool:
    return said.word(place) in _BEGINS and any(
        all(said.word(place + at) in words for at, words in enumerate(demand))
        and not any(said.taken[place : place + len(demand)])
        for demand in _DEMANDS
    )
