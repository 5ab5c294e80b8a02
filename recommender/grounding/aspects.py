"""Noun phrases as aspects: what stands together is one aspect, lists are several, unknown words are phrases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from recommender.grounding import links
from recommender.grounding.company import has_company
from recommender.grounding.lexicon import Mention
from recommender.grounding.links import Link
from recommender.grounding.phrases import (
    RELATIVE,
    Marked,
    adjective_of_ones,
    each_modifier,
    follows_as_adjective,
    goes_on,
    heads_a_phrase,
    in_compound,
    modifies,
    narrows,
    phrase_facet,
    phrase_in,
)
from recommender.grounding.statements import Facet

MOST_MODIFIERS = 2  # unknown words before a known one

MADE = frozenset(
    {"made", "directed", "written", "released", "starring", "shot", "filmed", "published",
     "produced", "shown", "screened", "issued", "premiered", "von", "dirigida"}
)  # fmt: skip
_FIRST = frozenset({"first", "originally", "later", "zuerst", "ursprunglich", "primero"})
_WITH = frozenset({"with", "mit", "con"})
# What somebody puts into one kind of another.
_DASHES = frozenset({"element", "elements", "touch", "hint", "dash", "streak", "dose", "trace", "shades", "hauch",
                     "schuss", "prise", "elementos", "toque", "toques", "pizca", "dosis"})  # fmt: skip
_SPLITS = frozenset(",/:;()–—>|+•·→=!?…\n")


@dataclass(slots=True)
class Aspect:
    """Facets that tokens `begin` to `end` name. `link`: how it goes on from what is before it."""

    facets: tuple[Facet, ...]
    begin: int
    end: int
    link: Link = "list"
    stands_for: bool = False  # "those by Leone": the noun is said before
    is_phrase: bool = field(default=False)

    @property
    def is_title(self) -> bool:
        return self.facets[0].kind == "title"


@dataclass(slots=True)
class _Chunk:
    begin: int
    end: int
    link: Link
    mark: str = ""  # what separates it from the one before


def aspects_in(
    said: Marked, begin: int, end: int, *, phrases: bool, preference: bool = False, passive: bool = False
) -> list[Aspect]:
    """What tokens `begin` to `end` name. `phrases`: unknown words count; `preference`: "to" and "over" turn round."""
    chunks = list(_chunks(said, begin, end, preference, passive))
    found: list[Aspect] = []
    per_chunk: list[list[Aspect]] = []
    for number, chunk in enumerate(chunks):
        named = list(_aspects_of(said, chunk, phrases=phrases and _may_be_phrase(said, chunks, number)))
        if number and not per_chunk[-1]:
            _lead_in(said, chunks[number - 1], chunk, named)
        if number:
            _share(said, chunks[number - 1], per_chunk[-1], chunk, named)
            _gather(said, chunks[: number + 1], per_chunk, named)
            named = _joined(said, per_chunk[-1], chunk, named)
        per_chunk.append(named)
        if phrases and _ends_zone(said, chunk):
            phrases = False
    for named in per_chunk:
        found += named
    return found


def _chunks(said: Marked, begin: int, end: int, preference: bool, passive: bool) -> Iterator[_Chunk]:
    start, link, mark = begin, "list", ""
    place = begin
    while place < end:
        if said.taken[place]:
            place += 1
            continue
        token = said.tokens[place]
        if not token.is_word:
            if token.word not in _SPLITS:
                place += 1
                continue
            if start < place:
                yield _Chunk(start, place, link, mark)  # type: ignore[arg-type]
                link = "list" if token.word in ",/:" or link in ("list", "same") else link
                mark = ""
            mark += token.word
            start = place = place + 1
            continue
        hit = None if in_compound(said, place) else links.link_at(said.tokens, place)
        if (hit is None or token.word == "than") and preference and token.word in links.PREFERENCE:
            hit = (place + 1, "flip") if place >= begin + (not passive) else hit
        if hit is None and token.word == "like" and place > begin:
            hit = place + 1, "same"
        if hit and not (
            hit[1] == "list"
            and token.word in ("o", "e", "even", "bar")
            and said.language == "en"
            and token.word != "even"
        ):
            if start < place:
                yield _Chunk(start, place, link, mark)  # type: ignore[arg-type]
                mark = ""
                link = hit[1] if hit[1] != "list" or link in ("list", "same") else link
            else:
                link = hit[1] if hit[1] != "list" else link
            mark += token.word
            start = place = hit[0]
            continue
        place += 1
    if start < end:
        yield _Chunk(start, end, link, mark)  # type: ignore[arg-type]


def _mentions(said: Marked, chunk: _Chunk) -> list[Mention]:
    return [said.mentions[place] for place in range(chunk.begin, chunk.end) if place in said.mentions]


def _aspects_of(said: Marked, chunk: _Chunk, *, phrases: bool) -> Iterator[Aspect]:
    if chunk.link == "if":
        chunk.begin = _without_subject(said, chunk)
    mentions = [
        mention
        for mention in _mentions(said, chunk)
        if has_company(said, mention, chunk.begin, chunk.end, is_condition=chunk.link == "if")
    ]
    titles = [mention for mention in mentions if mention.role == "title"]
    others = [mention for mention in mentions if mention.role != "title"]
    others = [each for each in others if not any(_tells_which(said, each, title) for title in titles)]
    place = chunk.begin
    for group in _groups(said, others):
        yield from _known(said, chunk, group, place, phrases=phrases)
        place = group[-1].end
    for title in titles:
        for option in title.options:
            yield Aspect(option, title.begin, title.end, chunk.link)
    if not mentions and phrases and (phrase := adjective_of_ones(said, chunk.begin, chunk.end)):
        yield Aspect((phrase_facet(said, *phrase),), *phrase, chunk.link, stands_for=True, is_phrase=True)
    elif not mentions and phrases and (phrase := phrase_in(said, chunk.begin, chunk.end)):
        stands_for = narrows(said, chunk.begin, phrase[0])
        yield Aspect((phrase_facet(said, *phrase),), *phrase, chunk.link, stands_for, is_phrase=True)


def _tells_which(said: Marked, creator: Mention, title: Mention) -> bool:
    """Kurosawa's Ran; Ran by Kurosawa."""
    if creator.role not in ("name", "surname"):
        return False
    if creator.end <= title.begin <= creator.end + 3 and _is_owner(said, creator, title):
        return True
    between = [said.word(place) for place in range(title.end, creator.begin) if said.tokens[place].is_word]
    return bool(between) and len(between) <= 3 and between[-1] in ("by", "from", "von", "de")


def _is_owner(said: Marked, creator: Mention, title: Mention) -> bool:
    return any(said.word(place) == "'s" for place in range(creator.end, title.begin)) and not any(
        said.tokens[place].is_word and said.word(place) != "'s" for place in range(creator.end, title.begin)
    )


def _groups(said: Marked, mentions: Sequence[Mention]) -> list[list[Mention]]:
    """Mentions of one noun phrase stand together."""
    groups: list[list[Mention]] = []
    for mention in mentions:
        if groups and mention.role in ("noun", "weak") and _is_topic(said, groups[-1][-1].end, mention.begin):
            continue
        if groups and _linked(said, groups[-1][-1], mention):
            groups[-1].append(mention)
        else:
            groups.append([mention])
    return groups


def _is_topic(said: Marked, begin: int, end: int) -> bool:
    """Whether a kind only tells what another is about: a comedy about war."""
    return any(said.word(place) in ("about", "uber", "sobre") for place in range(begin, end))


def _linked(said: Marked, first: Mention, second: Mention) -> bool:
    between = [said.word(place) for place in range(first.end, second.begin)]
    if not all(said.tokens[place].is_word for place in range(first.end, second.begin)):
        return all(word in (".", "'s", "-") for word in between) and said.tokens[second.begin].glued
    known = said.nouns | links.ATTACH
    if all(word in known or word == "'s" for word in between):
        if first.role in ("name", "surname") and second.role in ("name", "surname"):
            return False
        if "with" in between or "mit" in between or "con" in between:
            return second.role in ("name", "surname")
        return not (between and between[0] == "of" and second.role == "noun" and first.role == "noun")
    if {*between} & _WITH and between[-1] in ("of", "de", "von") and any(word in _DASHES for word in between):
        return True  # a comedy with a touch of horror
    unknown = [word for word in between if word not in known]
    small = links.DETERMINERS | links.PRONOUNS | links.VERBS | links.STOPS | links.OPENERS
    return (
        first.role in ("adjective", "period", "place", "year")
        and len(unknown) == len(between) <= 2
        and not any(word in small for word in unknown)
    )


def _without_subject(said: Marked, chunk: _Chunk) -> int:
    """Behind "they are", "it is about"."""
    place = chunk.begin
    while place < chunk.end and (said.word(place) in links.PRONOUNS or said.word(place) in links.VERBS):
        place += 1
    return place


def _known(said: Marked, chunk: _Chunk, group: Sequence[Mention], place: int, *, phrases: bool) -> Iterator[Aspect]:
    first, last = group[0], group[-1]
    facets = list(dict.fromkeys(facet for mention in group for facet in mention.facets))
    begin, end = first.begin, last.end
    before = range(_units_before(said, max(place, 0), begin), begin)
    modifiers = [at for at in before if all(modifies(said, inner) for inner in range(at, begin))]
    if modifiers and first.role not in ("name", "surname") and said.word(end) not in links.PERSONS:
        begin = modifiers[0]
        facets += [phrase_facet(said, *unit) for unit in each_modifier(said, begin, first.begin)]
    for one, two in pairwise(group):
        inner = [at for at in range(one.end, two.begin) if modifies(said, at) and said.word(at) not in links.ATTACH]
        if inner and len(inner) == two.begin - one.end:
            facets.append(phrase_facet(said, inner[0], inner[-1] + 1))
    if last.role in ("noun", "weak") and heads_a_phrase(said, end, chunk.end) and len(group) == 1:
        words = phrase_facet(said, begin, end + 1)  # romance subplots are no romances
        yield Aspect((words,), begin, end + 1, chunk.link, is_phrase=True)
        return
    while end < chunk.end and said.word(end) in said.nouns:
        end += 1
    while end < chunk.end and said.word(end - 1) not in said.nouns and follows_as_adjective(said, end):
        facets.append(phrase_facet(said, end, end + 1))
        end += 1
    if tail := _tail(said, chunk, end, phrases=phrases):
        facets.append(phrase_facet(said, *tail))
        end = tail[1]
    is_ones = "ones" in (said.word(end - 1), said.word(end))
    stands_for = is_ones or (first.begin > chunk.begin and _stands_for(said, chunk, first))
    if len(group) == 1 and len(first.options) > 1:
        for option in first.options:
            yield Aspect((*option, *facets[len(first.facets) :]), begin, end, chunk.link, stands_for)
        return
    yield Aspect(tuple(facets), begin, end, chunk.link, stands_for)


def _units_before(said: Marked, first: int, place: int) -> int:
    """Where the modifiers before a token may begin: what has a hyphen is one."""
    units = 0
    while place > first and units < MOST_MODIFIERS:
        place -= 1
        units += not (goes_on(said, place) and place > first)
    return place


def _stands_for(said: Marked, chunk: _Chunk, first: Mention) -> bool:
    """Those by Leone; especially from Japan."""
    words = [said.word(place) for place in range(chunk.begin, first.begin)]
    german, spanish = "die" in words and words[-1:] == ["von"], words[-2:] in (["los", "de"], ["las", "de"])
    bare = chunk.link in ("same", "except") and set(words) <= {"from", "of", "by", "the", "aus", "von", "de", "in"}
    return bool({"those", "ones", "one"} & set(words)) or german or spanish or (bare and "the" not in words[:1])


def _tail(said: Marked, chunk: _Chunk, place: int, *, phrases: bool) -> tuple[int, int] | None:
    """What stands behind a known noun: "with unreliable narrators", "about music", "told slowly"."""
    if place >= chunk.end or said.word(place) not in links.OPENERS:
        return None
    opener = said.word(place)
    if opener == "of" and (ones := adjective_of_ones(said, place, min(place + 6, chunk.end))):
        return ones[0], ones[1] - 1  # Westerns of the modern sort
    if opener in ("of", "for", "on", "de") or (opener in RELATIVE and not phrases):
        return None
    begin = place if opener in links.KEPT else place + 1
    if said.word(begin) == "in" and said.word(begin + 1) == "which":
        return phrase_in(said, begin + 2, chunk.end, verbs=True) if phrases else None
    return phrase_in(said, begin, chunk.end, verbs=opener in RELATIVE)


def _may_be_phrase(said: Marked, chunks: Sequence[_Chunk], number: int) -> bool:
    """Whether the chunks before it leave room for one more noun phrase."""
    chunk = chunks[number]
    if chunk.link in ("aside", "contrast"):
        return False
    if chunk.link == "if":
        return True
    first = said.word(chunk.begin)
    return first not in links.PRONOUNS or first in (
        "more",
        "most",
        "some",
        "all",
        "other",
        "anything",
        "those",
        "the",
        "la",
        "der",
        "die",
    )


def _ends_zone(said: Marked, chunk: _Chunk) -> bool:
    """Whether a chunk has a verb or a conjunction: what comes behind it is no list any more."""
    words = [said.word(place) for place in range(chunk.begin, chunk.end) if not said.taken[place]]
    return any(word in links.VERBS or word in links.STOPS for word in words) or words[:1] in (
        ["they"],
        ["he"],
        ["she"],
        ["it"],
        ["i"],
        ["we"],
    )


def _share(said: Marked, before: _Chunk, earlier: list[Aspect], chunk: _Chunk, named: list[Aspect]) -> None:
    """French and Italian dramas are French dramas and Italian dramas; films by Lean and Reed are both British."""
    if not earlier or not named or chunk.link != "list" or named[0].is_title or earlier[-1].is_title:
        return
    left, right = earlier[-1], named[0]
    if left.is_phrase or right.is_phrase:
        return
    own, other = left.facets, right.facets
    if len(own) == 1 and len(other) > 1 and own[0].name == other[0].name and own[0].kind == other[0].kind:
        if left.end == before.end and own[0].kind in ("attribute", "period"):
            rest = tuple(facet for facet in other[1:] if facet.name != own[0].name)
            if rest and _leads(said, left):
                left.facets = (*own, *rest)
    elif len(other) == 1 and len(own) > 1 and any(other[0].name == facet.name for facet in own if facet.name):
        mention = said.mentions.get(right.begin)
        if mention and mention.role in ("name", "surname", "period") and right.begin == chunk.begin:
            right.facets = (*(facet for facet in own if facet.name != other[0].name), *other)


def _gather(said: Marked, chunks: Sequence[_Chunk], per_chunk: Sequence[list[Aspect]], named: Sequence[Aspect]) -> None:
    """Short, rhymed, clever mysteries: what stands before the commas tells of the mysteries too."""
    if not named or named[0].is_phrase or named[0].facets[-1].kind != "phrase":
        return
    for number in range(len(chunks) - 1, 0, -1):
        chunk, earlier, right = chunks[number], per_chunk[number - 1], named[0]
        if chunk.mark != "," or chunk.link != "list" or right.begin != chunk.begin or len(earlier) != 1:
            return
        left = earlier[0]
        is_one = left.begin + 1 == left.end == chunks[number - 1].end
        if not left.is_phrase or not is_one or (said.tokens[left.begin].capital and left.begin):
            return
        right.facets = (*right.facets, *left.facets)
        right.begin = left.begin
        earlier.pop()


def _lead_in(said: Marked, before: _Chunk, chunk: _Chunk, named: list[Aspect]) -> None:
    """Slow, thoughtful dramas, where no expression says that unknown words count: slow as well."""
    place = before.end - 1
    if chunk.mark != "," or not named or named[0].is_phrase or named[0].begin != chunk.begin:
        return
    if named[0].facets[-1].kind != "phrase" or not modifies(said, place):
        return
    if place > before.begin and modifies(said, place - 1):
        return
    named[0].facets = (*named[0].facets, phrase_facet(said, place, place + 1))
    named[0].begin = place


def _joined(said: Marked, earlier: list[Aspect], chunk: _Chunk, named: list[Aspect]) -> list[Aspect]:
    """A comedy, made in Japan by Ozu: what stands behind the comma belongs to the comedy."""
    if (
        not earlier
        or not named
        or chunk.mark != ","
        or said.word(chunk.begin + (said.word(chunk.begin) in _FIRST)) not in MADE
        or named[0].is_title
        or earlier[-1].is_title
    ):
        return named
    left, right = earlier[-1], named[0]
    left.facets = tuple(dict.fromkeys((*left.facets, *right.facets)))
    left.end = right.end
    return named[1:]


def _leads(said: Marked, aspect: Aspect) -> bool:
    mention = said.mentions.get(aspect.begin)
    return mention is not None and mention.role in ("adjective", "period", "place", "year")
