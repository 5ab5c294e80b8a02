"""Noun phrases as aspects: what stands together is one aspect, lists are several, unknown words are phrases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from recommender.grounding import links
from recommender.grounding.cues import Language
from recommender.grounding.lexicon import Mention
from recommender.grounding.links import Link
from recommender.grounding.statements import Facet
from recommender.grounding.words import Token

LONGEST_PHRASE = 7  # words
MOST_MODIFIERS = 2  # unknown words before a known one


_WHERE = frozenset({"in", "to", "through", "across", "around", "near", "the"})  # before a place where something is set
# Before a weak noun: the war, her family.
_OWNERS = frozenset(
    {"the", "a", "an", "his", "her", "their", "my", "our", "der", "die", "das", "of", "world", "civil", "own"}
)


@dataclass(slots=True)
class Marked:
    """The tokens of a sentence, what they name, and the words for items of any kind."""

    text: str
    tokens: list[Token]
    mentions: dict[int, Mention]  # by their first token
    taken: list[bool]
    nouns: frozenset[str]
    language: Language = "en"

    def word(self, place: int) -> str:
        return self.tokens[place].word if 0 <= place < len(self.tokens) else ""


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


def aspects_in(said: Marked, begin: int, end: int, *, phrases: bool, preference: bool = False) -> list[Aspect]:
    """What tokens `begin` to `end` name. `phrases`: unknown words count; `preference`: "to" and "over" turn round."""
    chunks = list(_chunks(said, begin, end, preference))
    found: list[Aspect] = []
    per_chunk: list[list[Aspect]] = []
    for number, chunk in enumerate(chunks):
        named = list(_aspects_of(said, chunk, phrases=phrases and _may_be_phrase(said, chunks, number)))
        if number:
            _share(said, chunks[number - 1], per_chunk[-1], chunk, named)
        per_chunk.append(named)
        if phrases and _ends_zone(said, chunk):
            phrases = False
    for named in per_chunk:
        found += named
    return found


def _chunks(said: Marked, begin: int, end: int, preference: bool) -> Iterator[_Chunk]:
    start, link, mark = begin, "list", ""
    place = begin
    while place < end:
        if said.taken[place]:
            place += 1
            continue
        token = said.tokens[place]
        if not token.is_word:
            if token.word == ".":
                place += 1
                continue
            if start < place:
                yield _Chunk(start, place, link, mark)  # type: ignore[arg-type]
                link = "list" if token.word in ",/:" or link in ("list", "same") else link
                mark = ""
            mark += token.word
            start = place = place + 1
            continue
        hit = links.link_at(said.tokens, place)
        if hit is None and preference and token.word in links.PREFERENCE and place > begin:
            hit = place + 1, "flip"
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
    mentions = [mention for mention in _mentions(said, chunk) if _has_company(said, chunk, mention)]
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
    if not mentions and phrases and (phrase := phrase_in(said, chunk.begin, chunk.end)):
        facet = Facet("phrase", "", said.text[said.tokens[phrase[0]].start : said.tokens[phrase[1] - 1].end])
        yield Aspect((facet,), phrase[0], phrase[1], chunk.link, is_phrase=True)


def _tells_which(said: Marked, creator: Mention, title: Mention) -> bool:
    """Kurosawa's Ran; Ran by Kurosawa."""
    if creator.role not in ("name", "surname"):
        return False
    if creator.end <= title.begin <= creator.end + 1:
        return all(said.word(place) in ("'s", "s") for place in range(creator.end, title.begin))
    between = [said.word(place) for place in range(title.end, creator.begin)]
    return bool(between) and len(between) <= 3 and between[-1] in ("by", "from", "von", "de")


def _has_company(said: Marked, chunk: _Chunk, mention: Mention) -> bool:
    before, after = said.word(mention.begin - 1), said.word(mention.end) if mention.end < chunk.end else ""
    beside = mention.end in said.mentions and mention.end < chunk.end
    if mention.role == "adjective":
        if after in said.nouns or beside or (before in said.nouns and said.language == "es"):
            return True
        if said.language in ("es", "de") and any(end == mention.begin for end in _ends(said, chunk)):
            return True
        later = range(mention.end, min(chunk.end, mention.end + 3))
        if any(place in said.mentions or said.word(place) in said.nouns for place in later):
            return True
        return mention.end >= chunk.end and said.word(chunk.end) in ("and", "or", ",", "und", "oder", "y", "o", "/")
    if mention.role == "weak":
        if after in said.nouns or beside or (after and after.endswith(("films", "filme"))):
            return True
        return before not in _OWNERS
    if mention.role == "place":
        return before not in _WHERE or said.word(mention.begin - 2) in ("made", "produced", "shot")
    if mention.role == "year":
        return before in (
            "in",
            "from",
            "of",
            "year",
            "von",
            "aus",
            "de",
            "to",
            "for",
            "im",
            "jahr",
            "released",
            ":",
        ) or (after in said.nouns or beside)
    return True


def _ends(said: Marked, chunk: _Chunk) -> set[int]:
    return {mention.end for mention in _mentions(said, chunk)}


def _groups(said: Marked, mentions: Sequence[Mention]) -> list[list[Mention]]:
    """Mentions of one noun phrase stand together."""
    groups: list[list[Mention]] = []
    for mention in mentions:
        if groups and _linked(said, groups[-1][-1], mention):
            groups[-1].append(mention)
        else:
            groups.append([mention])
    return groups


def _linked(said: Marked, first: Mention, second: Mention) -> bool:
    between = [said.word(place) for place in range(first.end, second.begin)]
    known = said.nouns | links.ATTACH
    if all(word in known or word == "'s" for word in between):
        if first.role in ("name", "surname") and second.role in ("name", "surname"):
            return False
        if "with" in between or "mit" in between:
            return second.role in ("name", "surname")
        return not (between and between[0] == "of" and second.role == "noun" and first.role == "noun")
    unknown = [word for word in between if word not in known]
    small = links.DETERMINERS | links.PRONOUNS | links.VERBS | links.STOPS | links.OPENERS
    return (
        first.role in ("adjective", "period", "place", "year")
        and len(unknown) == len(between) <= 2
        and not any(word in small for word in unknown)
    )


def _known(said: Marked, chunk: _Chunk, group: Sequence[Mention], place: int, *, phrases: bool) -> Iterator[Aspect]:
    first, last = group[0], group[-1]
    facets = list(dict.fromkeys(facet for mention in group for facet in mention.facets))
    begin, end = first.begin, last.end
    before = range(max(place, begin - MOST_MODIFIERS), begin)
    modifiers = [at for at in before if all(_modifies(said, inner) for inner in range(at, begin))]
    if modifiers and first.role not in ("name", "surname"):
        begin = modifiers[0]
        facets.append(_phrase(said, begin, first.begin))
    for one, two in pairwise(group):
        inner = [at for at in range(one.end, two.begin) if _modifies(said, at) and said.word(at) not in links.ATTACH]
        if inner and len(inner) == two.begin - one.end:
            facets.append(_phrase(said, inner[0], inner[-1] + 1))
    while end < chunk.end and said.word(end) in said.nouns:
        end += 1
    if tail := _tail(said, chunk, end):
        facets.append(_phrase(said, *tail))
        end = tail[1]
    stands_for = first.begin > chunk.begin and _stands_for(said, chunk.begin, first.begin)
    if len(group) == 1 and len(first.options) > 1:
        for option in first.options:
            yield Aspect((*option, *facets[len(first.facets) :]), begin, end, chunk.link, stands_for)
        return
    yield Aspect(tuple(facets), begin, end, chunk.link, stands_for)


def _stands_for(said: Marked, begin: int, end: int) -> bool:
    words = [said.word(place) for place in range(begin, end)]
    german, spanish = words[:1] == ["die"] and words[-1:] == ["von"], words[-2:] in (["los", "de"], ["las", "de"])
    return bool({"those", "ones", "one"} & set(words)) or german or spanish


def _phrase(said: Marked, begin: int, end: int) -> Facet:
    return Facet("phrase", "", said.text[said.tokens[begin].start : said.tokens[end - 1].end])


def _modifies(said: Marked, place: int) -> bool:
    token = said.tokens[place]
    word = token.word
    return (
        token.is_word
        and not said.taken[place]
        and word.isalpha()
        and len(word) > 2
        and word not in said.nouns
        and not (
            word in links.DETERMINERS
            or word in links.PRONOUNS
            or word in links.INTENSIFIERS
            or word in links.PRAISE
            or word in links.VERBS
            or word in links.STOPS
            or word in links.OPENERS
            or word in links.ATTACH
            or word in links.NEGATORS
            or word in links.EMPTY
            or word in links.HEDGES
            or word.endswith("ly")
        )
    )


def _tail(said: Marked, chunk: _Chunk, place: int) -> tuple[int, int] | None:
    """What stands behind a known noun: "with unreliable narrators", "about music", "told slowly"."""
    if place >= chunk.end or said.word(place) not in links.OPENERS:
        return None
    opener = said.word(place)
    if opener in ("of", "for", "on", "that", "which", "who", "where", "in", "over", "under", "de"):
        return None
    begin = place if opener in links.KEPT else place + 1
    return phrase_in(said, begin, chunk.end)


def phrase_in(said: Marked, begin: int, end: int) -> tuple[int, int] | None:
    """Trimmed of articles and filler; none where the words are no noun phrase or say nothing."""
    lead = links.DETERMINERS | links.INTENSIFIERS | links.PRAISE
    for place in range(begin, end):
        if said.word(place) in links.STOPS or not said.tokens[place].is_word:
            end = place
            break
    while begin < end and (said.word(begin) in lead or said.word(begin) in links.LEADS):
        begin += 1
    if begin < end and said.word(begin) in said.nouns:
        inner = begin + 1
        if inner < end and said.word(inner) in links.OPENERS:
            begin = inner if said.word(inner) in links.KEPT else inner + 1
    while begin < end and said.word(begin) in lead and said.word(begin) not in links.KEPT:
        begin += 1
    while begin < end and (said.word(end - 1) in lead or said.word(end - 1) in links.TRAILS):
        end -= 1
    words = [said.word(place) for place in range(begin, end)]
    if not words or len(words) > LONGEST_PHRASE or any(said.taken[begin:end]):
        return None
    if words[0] in links.PRONOUNS or any(word in links.PRONOUNS for word in words if word not in links.DETERMINERS):
        return None
    if any(word in links.VERBS for word in words):
        return None
    content = [word for word in words if word not in links.EMPTY and word not in said.nouns and not _is_small(word)]
    if not content or (len(words) == 1 and (len(words[0]) < 4 or words[0].endswith("ly"))):
        return None
    return begin, end


def _is_small(word: str) -> bool:
    return (
        word in links.OPENERS
        or word in links.DETERMINERS
        or word in links.INTENSIFIERS
        or word in links.ATTACH
        or word in links.PRAISE
        or not word.isalpha()
    )


def _may_be_phrase(said: Marked, chunks: Sequence[_Chunk], number: int) -> bool:
    """Whether the chunks before it leave room for one more noun phrase."""
    chunk = chunks[number]
    if chunk.link in ("aside", "contrast", "if"):
        return False
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
    elif len(other) == 1 and len(own) > 1 and own[-1].name == other[0].name and own[-1].kind == "attribute":
        mention = said.mentions.get(right.begin)
        if mention and mention.role in ("name", "surname") and right.begin == chunk.begin:
            right.facets = (*(facet for facet in own if facet.name != other[0].name), *other)


def _leads(said: Marked, aspect: Aspect) -> bool:
    mention = said.mentions.get(aspect.begin)
    return mention is not None and mention.role in ("adjective", "period", "place", "year")
