"""What rules read in a sentence, heard again with the tagger: polarities weighed anew, and phrases that rules miss."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recommender.grounding import links
from recommender.grounding.aspects import Aspect, aspects_in
from recommender.grounding.cues import NOTHING
from recommender.grounding.opinions import Opinion
from recommender.grounding.phrases import Marked, adjective_of_ones, goes_on, is_small, narrows, phrase_facet
from recommender.grounding.referring import take_over
from recommender.grounding.statements import Facet, Holder
from recommender.grounding.tagger.tags import Logs, Said, Shares, Tags

# Shares of the tagger, chosen on the gold corpus's part for development.
MOST_OUTSIDE = 0.95  # a known aspect without an opinion that is more surely none gives nothing
OVERLOOKED = 0.9  # a known aspect that rules pass over is stated up to this share
NO_PHRASE = 0.9  # what rules take for a phrase is none above it
QUOTED_OUTSIDE = 0.7  # what a profile is said to say is none of it: it says “dislikes horror”
NO_PERIOD = 0.95  # "in 2019 they wrote" tells of no period
NO_MODIFIER = 0.8  # nor is a word beside what is known
INSIDE = 0.65  # words of which less is outside belong to an aspect
OPINION_OUTSIDE = 0.4  # of a phrase that nobody but the tagger sees: "the weather is nice" tells no taste
FACT_OUTSIDE = 0.3  # and where that only tells what an item is
SURE_HOLDER = 0.75  # the tagger's is taken above it
LEAST_SURE = 0.6  # of its polarity
LONGEST_PHRASE = 7  # words
LONGEST_QUOTE = 80  # characters on either side of an aspect
_QUOTE_OPENS, _QUOTE_CLOSES = '"“„«', '"”“»'
LONGEST_JOINT = 3  # words and marks between members of a list
SIGNS: tuple[int | None, ...] = (1, -1, 0, None)  # of the tagger's polarities, in their order
HOLDERS: tuple[Holder, ...] = ("subject", "likers", "dislikers")
_NOBODY = links.REFLEXIVES | {"fan", "fans"}  # nothing that items have
_DROPPED = links.DETERMINERS | links.INTENSIFIERS | links.PRAISE
# How often rules say something of what is liked, disliked, mixed, neutral (in the order of SIGNS): naive Bayes beside
# the tagger. Counted over the marked corpus (python -m benchmarks.fit_tagger --rules), and mended on the gold corpus's
# parts that may be looked at: in prose rules take dislikes for likes less often, more often others for mixed, and
# hardly ever hear something where nothing is said.
RULES_SAY: dict[int | None, tuple[float, float, float, float]] = {
    1: (0.45, 0.1, 0.23, 0.02),
    -1: (0.09, 0.37, 0.14, 0.02),
    0: (0.05, 0.05, 0.28, 0.03),
    None: (0.44, 0.44, 0.36, 0.76),
}
RULES_WEIGH = 1.0
# Of the tagger's polarities: among the marked texts are more that are of two minds, or of none, than in prose.
PRIOR: NDArray[np.float32] = np.array([0.0, 0.0, -1.5, -0.5], dtype=np.float32)


def heard(said: Marked, read: Sequence[Opinion], tags: Tags, *, is_item: bool) -> list[Opinion]:
    """`read`: what rules read in the sentence."""
    found = []
    for opinion, told in _told(said, read, tags):
        if told is not None and told.outside > QUOTED_OUTSIDE and _is_quoted(said, opinion):
            continue
        if told is None or opinion.polarity == NOTHING or opinion.is_plain:
            found.append(opinion)
            continue
        if told.outside > _most_outside(opinion):
            continue
        _drop_modifiers(said, opinion.aspect, tags)
        _weigh(opinion, told)
        if is_item and (opinion.holder == "subject" or told.holders.max() > SURE_HOLDER):
            opinion.holder = HOLDERS[int(told.holders.argmax())]
        found.append(opinion)
    stretches = list(_stretches(said, tags))
    found = _joined(said, found, stretches)
    places = [_place(said, opinion.aspect) for opinion in read]
    for aspect in _overlooked(said, places):
        told = tags.of(*_core(said, aspect))
        if told is not None and told.outside <= OVERLOOKED:
            take_over(aspect, None, [each.aspect for each in found])
            found.append(_new(aspect, told, is_item))
            places.append(_place(said, aspect))
    places += [_place(said, opinion.aspect) for opinion in found]
    for inside in stretches:
        mark = said.tokens[inside[0]].start, said.tokens[inside[-1]].end
        phrase, told = _phrase(said, inside), tags.of(*mark)
        if phrase is None or told is None or _is_read(mark, places):
            continue
        take_over(phrase, None, [each.aspect for each in found])
        new = _new(phrase, told, is_item)
        outside = FACT_OUTSIDE if new.polarity is None else OPINION_OUTSIDE
        if told.polarities.max() >= LEAST_SURE and told.outside <= outside:
            found.append(new)
    return sorted(found, key=lambda opinion: opinion.aspect.begin)


def _joined(said: Marked, found: Sequence[Opinion], stretches: Iterable[Sequence[int]]) -> list[Opinion]:
    """What the tagger hears as one aspect with something known is one: comedies full of dread, Gothic atmosphere."""
    kept = list(found)
    for inside in stretches:
        first, last = inside[0], inside[-1] + 1
        here = [opinion for opinion in kept if first <= opinion.aspect.begin and opinion.aspect.end <= last]
        known = [opinion for opinion in here if not opinion.aspect.is_phrase]
        if len(known) != 1 or known[0].aspect.is_title:
            continue
        aspect = known[0].aspect
        before, after = range(first, aspect.begin), range(aspect.end, last)
        if any(said.taken[at] for at in (*before, *after)):
            continue
        more = list(_modifiers(said, before))
        if not _is_name_alone(said, after) and (behind := _behind(said, after)) is not None:
            more.append(behind)
        if more:
            kept = [opinion for opinion in kept if opinion not in here or opinion is known[0]]
            named = " ".join(facet.value for facet in aspect.facets if facet.kind != "phrase").casefold().split()
            more = [facet for facet in more if facet.value.casefold() not in named]  # Andrei Tarkovsky
            aspect.facets = (*aspect.facets, *more)
            aspect.begin, aspect.end = first, last
    return kept


def _modifiers(said: Marked, places: Sequence[int]) -> Iterator[Facet]:
    """Slow-burn, supernatural: each for itself."""
    units: list[list[int]] = []
    for at in places:
        if units and (goes_on(said, at) or said.tokens[at].glued):
            units[-1].append(at)
        elif said.tokens[at].is_word:
            units.append([at])
    for unit in units:
        word = said.word(unit[0])
        if len(unit) == 1 and (is_small(word) or word in said.nouns or word in links.KIN or _is_dropped(said, unit[0])):
            continue
        yield phrase_facet(said, unit[0], unit[-1] + 1)


def _is_name_alone(said: Marked, places: Sequence[int]) -> bool:
    """The Coen brothers, the Bergman selection, Holmes himself: nothing more than the name."""
    return {said.word(at) for at in places if said.tokens[at].is_word} <= links.OF_NAMES


def _behind(said: Marked, places: Sequence[int]) -> Facet | None:
    rest = list(places)
    while rest and said.word(rest[0]) in said.nouns:
        rest.pop(0)
    phrase = _phrase(said, rest) if rest else None
    return phrase.facets[0] if phrase is not None else None


def _told(said: Marked, read: Sequence[Opinion], tags: Tags) -> Iterator[tuple[Opinion, Said | None]]:
    """What the tagger says of each; a list of which rules say the same is of one mind, the mean of its members'."""
    lists: list[list[Opinion]] = []
    for opinion in sorted(read, key=lambda opinion: opinion.aspect.begin):
        if lists and opinion.polarity == lists[-1][-1].polarity and _goes_on(said, lists[-1][-1], opinion):
            lists[-1].append(opinion)
        else:
            lists.append([opinion])
    for members in lists:
        told = [(opinion, tags.of(*_core(said, opinion.aspect))) for opinion in members]
        logs = [np.log(each.polarities + 1e-6) for _, each in told if each is not None]
        if len(logs) < 2:
            yield from told
            continue
        shares = np.exp(np.mean(logs, axis=0))
        for opinion, each in told:
            yield opinion, replace(each, polarities=shares / shares.sum()) if each is not None else None


def _goes_on(said: Marked, first: Opinion, second: Opinion) -> bool:
    """Whether nothing but commas and "and" stand between."""
    between = said.tokens[first.aspect.end : second.aspect.begin]
    return len(between) <= LONGEST_JOINT and all(
        token.word in links.JOINTS if token.is_word else token.word in ",/" for token in between
    )


def _most_outside(opinion: Opinion) -> float:
    if opinion.aspect.is_phrase:
        return NO_PHRASE
    if opinion.aspect.is_title:
        return 1
    if all(facet.kind == "period" for facet in opinion.aspect.facets):
        return NO_PERIOD
    return MOST_OUTSIDE if opinion.polarity is None else 1


def _is_quoted(said: Marked, opinion: Opinion) -> bool:
    """Whether quotation marks hold more than the aspect: somebody else's words, not a title."""
    if opinion.aspect.is_phrase or opinion.aspect.is_title:
        return False
    start, end = _place(said, opinion.aspect)
    before = said.text[max(0, said.tokens[0].start - 1, start - LONGEST_QUOTE) : start]
    after = said.text[end : end + LONGEST_QUOTE]
    opened = max(map(before.rfind, _QUOTE_OPENS))
    closed = min((at for mark in _QUOTE_CLOSES if (at := after.find(mark)) >= 0), default=-1)
    return opened >= 0 and closed >= 0 and len((before[opened + 1 :] + after[:closed]).split()) > 0


def _drop_modifiers(said: Marked, aspect: Aspect, tags: Tags) -> None:
    """Six adventures: adventures."""
    if aspect.is_phrase or len(aspect.facets) < 2:
        return
    start, end = _place(said, aspect)
    kept = []
    for facet in aspect.facets:
        at = said.text.find(facet.value, start, end) if facet.kind == "phrase" else -1
        told = tags.of(at, at + len(facet.value)) if at >= 0 else None
        if told is None or told.outside <= NO_MODIFIER:
            kept.append(facet)
    aspect.facets = tuple(kept)


def _stretches(said: Marked, tags: Tags) -> Iterator[list[int]]:
    """The words that the tagger hears together in an aspect: whole ones, whatever pieces it has of them."""
    inside: list[int] = []
    for place, token in enumerate(said.tokens):
        outside, begins = (token.is_word and tags.word(token.start, token.end)) or (1, 0)
        is_inside = outside <= INSIDE
        if inside and (not is_inside or (begins > 0.5 and not token.glued)):
            yield inside
            inside = []
        if is_inside:
            inside.append(place)
    if inside:
        yield inside


def _weigh(opinion: Opinion, told: Said) -> None:
    rules = np.log(np.array(RULES_SAY[opinion.polarity], dtype=np.float32))
    weight = 0 if opinion.polarity is None else RULES_WEIGH  # what rules see nothing said of may be anything
    logs: Logs = np.log(told.polarities + 1e-6) + PRIOR + weight * rules
    sign = SIGNS[int(logs.argmax())]
    shares = np.exp(logs - logs.max())
    if sign != opinion.polarity:
        opinion.polarity, opinion.strength = sign, _strength(float(1 / shares.sum()))
    opinion.sureness = _beside_the_opposite(sign, shares)


def _new(aspect: Aspect, told: Said, is_item: bool) -> Opinion:
    shares = told.polarities * np.exp(PRIOR)
    sign, sureness = SIGNS[int(shares.argmax())], float(shares.max() / shares.sum())
    opinion = Opinion(aspect, sign, _strength(sureness), aspect.begin, aspect.end)
    opinion.holder = HOLDERS[int(told.holders.argmax())] if is_item else "subject"
    opinion.sureness = _beside_the_opposite(sign, shares)
    return opinion


def _beside_the_opposite(sign: int | None, shares: Shares) -> float:
    """How probable a like is where only a dislike may be meant, and the other way round."""
    return float(shares[SIGNS.index(sign)] / (shares[0] + shares[1])) if sign else 1.0


def _strength(sureness: float) -> float:
    return 1.0 if sureness > 0.95 else 0.75 if sureness > 0.7 else 0.4


def _overlooked(said: Marked, places: Sequence[tuple[int, int]]) -> Iterator[Aspect]:
    """What is known in a sentence and not read: rules saw nothing said of it."""
    for aspect in aspects_in(said, 0, len(said.tokens), phrases=False):
        if not _is_read(_place(said, aspect), places):
            yield aspect


def _core(said: Marked, aspect: Aspect) -> tuple[int, int]:
    """The characters of what is known in an aspect; of a phrase, all."""
    inside = [said.mentions[at] for at in range(aspect.begin, aspect.end) if at in said.mentions]
    begin = inside[0].begin if inside else aspect.begin
    end = inside[-1].end if inside else aspect.end
    return said.tokens[begin].start, said.tokens[end - 1].end


def _place(said: Marked, aspect: Aspect) -> tuple[int, int]:
    return said.tokens[aspect.begin].start, said.tokens[aspect.end - 1].end


def _is_read(mark: tuple[int, int], places: Iterable[tuple[int, int]]) -> bool:
    return any(mark[0] < end and start < mark[1] for start, end in places)


def _phrase(said: Marked, tokens: Sequence[int]) -> Aspect | None:
    """Without articles and the like at its begin, and marks at its end; none where nothing is left."""
    places = list(tokens)
    while places and (_is_dropped(said, places[0]) or _is_kind(said, places)):
        places.pop(0)
    if places and said.word(places[0]) in links.OPENERS and said.word(places[0]) not in links.KEPT:
        places.pop(0)
    while places and _is_dropped(said, places[0]):
        places.pop(0)
    while places and (not said.tokens[places[-1]].is_word or said.word(places[-1]) in links.TRAILS):
        places.pop()
    words = [said.word(at) for at in places if said.tokens[at].is_word]
    if places and said.tokens[places[0]].capital and _is_person(said, places[0]):
        return None
    taken = [said.taken[at] for at in places]
    if not words or len(words) > LONGEST_PHRASE or all(taken):
        return None
    if any(taken) and not all(said.tokens[at].capital or not said.tokens[at].is_word for at in places):
        return None  # a name of which a part is known: French New Wave
    if all(is_small(word) or (word in said.nouns | _NOBODY and word not in links.TELLING) for word in words):
        return None
    if ones := adjective_of_ones(said, places[0], places[-1] + 2):
        return Aspect((phrase_facet(said, *ones),), *ones, stands_for=True, is_phrase=True)
    facet = Facet("phrase", "", said.text[said.tokens[places[0]].start : said.tokens[places[-1]].end])
    stands_for = narrows(said, max(0, places[0] - 2), places[0])
    return Aspect((facet,), places[0], places[-1] + 1, stands_for=stands_for, is_phrase=True)


def _is_person(said: Marked, place: int) -> bool:
    """Whether a name is that of somebody who speaks: Mr Ames, Herr Dr. Thoma."""
    before = said.word(place - 1) if said.word(place - 1) != "." else said.word(place - 2)
    return before in links.HONORIFICS


def _is_kind(said: Marked, places: Sequence[int]) -> bool:
    """Films, before what they are about."""
    return said.word(places[0]) in said.nouns and len(places) > 1 and said.word(places[1]) in links.OPENERS


def _is_dropped(said: Marked, place: int) -> bool:
    return not said.tokens[place].is_word or (said.word(place) in _DROPPED and said.word(place) not in links.KEPT)
