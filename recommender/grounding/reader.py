"""A text taken apart into statements: what it says of which aspects of items, whose opinion that is, and where."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise
from typing import Literal

from recommender.grounding import audiences, links
from recommender.grounding.conditions import only_if, only_met
from recommender.grounding.cues import NOTHING, Language, language_of
from recommender.grounding.echoes import echo
from recommender.grounding.facts import joined
from recommender.grounding.fitted import fitted
from recommender.grounding.heard import heard
from recommender.grounding.labels import LONGEST, POLARITIES, Label, label_of
from recommender.grounding.letters import body
from recommender.grounding.lexicon import Lexicon, Mention
from recommender.grounding.opinions import Context, Opinion, opinions_in, spare
from recommender.grounding.phrases import Marked
from recommender.grounding.sentences import spans
from recommender.grounding.shares import settle
from recommender.grounding.spelling import corrected
from recommender.grounding.statements import Facet, Holder, Polarity, Statement
from recommender.grounding.tagger.tags import Tagger
from recommender.grounding.titles import Named, is_plain
from recommender.grounding.words import Token, tokens

_SAID: dict[int | None, Polarity] = {1: "likes", -1: "dislikes", 0: "mixed", None: "neutral"}
# No … more … horror: who stops within "no more" says it all the same.
_PAUSE = r"(\s*(?:\.{2,}|…)\s*)"
_PAUSED = re.compile(rf"(?i)\b(?:no|kein\w*){_PAUSE}?\s*\b(?:more|mehr){_PAUSE}(?=[^\W\d_])")
_OTHER_KINDS = frozenset({"neo", "live", "non", "anti", "post", "pseudo", "nicht"})  # before a hyphen
_COMPARED = frozenset({"like", "wie", "como"})
_COMPARING = frozenset({"more", "less", "fewer", "much", "film", "films", "movie", "movies", "something", "anything",
                        "nothing", "things", "stuff", "ones", "shows", "not", "mehr", "weniger", "filme", "etwas",
                        "nichts", "so", "mas", "menos", "peliculas", "algo", "nada"})  # fmt: skip
_BEGINS = re.compile(r"(?:^|[.!?\n]\s*)\W*([^\W\d_])")
LONGEST_SENTENCE = 200  # words and marks; what is longer is read in pieces
LONGEST_TEXT = 100_000  # characters; what is behind them is not read


def read(
    text: str,
    lexicon: Lexicon,
    *,
    about: Literal["end_user", "item"],
    subject: str = "",
    tagger: Tagger | None = None,
) -> list[Statement]:
    """The statements of a text in the order of their places.

    `subject`: external id of the item that it is about. `tagger`: hears again what rules read, if there is one.
    """
    text = _PAUSED.sub(lambda said: re.sub(r"[.…]", " ", said[0]), text[:LONGEST_TEXT])
    sentences = list(marked(text, lexicon, is_word=tagger.is_word if tagger is not None else None))
    tags = tagger.tags(text, about, _names(sentences)) if tagger is not None else None
    opinions: list[tuple[Marked, Opinion]] = []
    place = _Place()
    plain = _is_casual(text)
    for said in chain.from_iterable(map(_parts, sentences)):
        found = place.read(said, about == "item")
        settle(said, found)
        if tags is not None and not place.is_heading:
            found = heard(said, found, tags, is_item=about == "item")
        found = fitted(said, found)
        if about == "item":
            found = joined(said, found)
        else:
            spare(said, found)
        for opinion in found:
            _take_for_known(said, opinion, lexicon, plain)
        opinions += [(said, opinion) for opinion in found]
    return _statements(opinions, subject)


def _is_casual(text: str) -> bool:
    """Whether capital letters tell nothing: no sentence, or hardly any, begins with one."""
    begins = _BEGINS.findall(text)
    return not any(map(str.isupper, text)) or sum(map(str.isupper, begins)) * 4 < len(begins)


def _names(sentences: Iterable[Marked]) -> list[tuple[int, int]]:
    """Where known persons are named."""
    return [
        (said.tokens[one.begin].start, said.tokens[one.end - 1].end)
        for said in sentences
        for one in said.mentions.values()
        if one.role in ("name", "surname")
    ]


def marked(text: str, lexicon: Lexicon, *, is_word: Callable[[str], bool] | None = None) -> Iterator[Marked]:
    """The sentences of a text, with what they name of a lexicon.

    `is_word`: whether an English word is known; in an English text what is not may be a mistyped one of the lexicon.
    None: all are as they stand.
    """
    text = text[:LONGEST_TEXT]
    found: Sequence[Token] = tokens(text)
    language = language_of([token.word for token in found])
    titles: Sequence[Named] = lexicon.named_in(text, found)
    if is_word is not None and language == "en":
        found, titles = _spelled(text, found, titles, lexicon, is_word)
    yield from _sentences(text, found, titles, lexicon, language)


def _spelled(
    text: str, found: Sequence[Token], titles: Sequence[Named], lexicon: Lexicon, is_word: Callable[[str], bool]
) -> tuple[Sequence[Token], Sequence[Named]]:
    """The same with mistyped words put right: those that make a title, then those of values and names."""
    near = corrected(found, _places(titles), lexicon.titles.spelling, is_word)
    if near != found:
        more = [
            title
            for title in lexicon.named_in(text, near)
            if near[title.begin : title.end] != found[title.begin : title.end]
        ]
        found = [near[place] if place in _places(more) else token for place, token in enumerate(found)]
        others = [title for title in titles if _places([title]).isdisjoint(_places(more))]
        titles = sorted([*others, *more], key=lambda title: title.begin)
    return corrected(found, _places(titles), lexicon.spelling, is_word), titles


def _places(titles: Iterable[Named]) -> set[int]:
    return {place for title in titles for place in range(title.begin, title.end)}


@dataclass(slots=True)
class _Place:
    """Where in a text a sentence is: below which heading, behind which label, after which opinions."""

    heading: Label = ""
    label: Label = ""
    line: int = -1
    before: list[Opinion] = field(default_factory=list)
    is_heading: bool = False
    holder: Holder | None = None

    def read(self, said: Marked, is_item: bool) -> list[Opinion]:
        text, start = said.text, said.tokens[0].start
        line = text.rfind("\n", 0, start)
        if line != self.line:
            self.line, self.label = line, ""
        self.is_heading = _is_heading(text, line + 1, said)
        if self.is_heading:
            self.heading = label_of(said.tokens, said.language)
            return []
        begin = _label_end(said)
        if begin:
            self.label = label_of(said.tokens[:begin], said.language)
        label = self.label or self.heading
        if is_item:
            found = audiences.opinions_in(said, begin, label, self.holder)
            self.holder = audiences.holder_of(said, found) or self.holder
            return found
        opinions = opinions_in(said, begin, self._context(label))
        echo(said, opinions, self.before)
        only_if(said, opinions)
        only_met(said, opinions)
        self.before = opinions or self.before
        return opinions

    def _context(self, label: Label) -> Context:
        context = Context(POLARITIES.get(label), bool(label), self.before)
        last = next((opinion.polarity for opinion in reversed(self.before)), None)
        if label == "same":
            context.polarity = last
        elif label == "exception" and last:
            context.polarity = -last
        elif label == "taste":
            context.polarity = POLARITIES.get(self.heading, 1)
        return context


def _parts(said: Marked) -> Iterator[Marked]:
    """A sentence, cut where one more label begins in it: "likes: war; dislikes: crime"."""
    cuts = [0]
    for place, token in enumerate(said.tokens[:-1]):
        if token.word in (";", "|", ",", ".", "/", "!") and not said.taken[place] and _begins_label(said, place + 1):
            cuts.append(place + 1)
    if len(cuts) == 1:
        yield said
        return
    for begin, end in pairwise([*cuts, len(said.tokens)]):
        mentions = {
            place - begin: replace(mention, begin=mention.begin - begin, end=mention.end - begin)
            for place, mention in said.mentions.items()
            if begin <= place and mention.end <= end
        }
        tokens_of, taken = said.tokens[begin:end], said.taken[begin:end]
        yield Marked(said.text, tokens_of, mentions, taken, said.nouns, said.language)


def _begins_label(said: Marked, place: int) -> bool:
    for end in range(place, min(place + 4, len(said.tokens))):
        token = said.tokens[end]
        if said.taken[end]:
            return False
        if token.word in (":", "="):
            return end > place and bool(label_of(said.tokens[place:end], said.language))
        if not token.is_word and token.word != "*":
            return False
    return False


def _is_heading(text: str, line: int, said: Marked) -> bool:
    """Whether a sentence is alone in its line, and written as what stands over others."""
    end = text.find("\n", line)
    whole = text[line : end if end >= 0 else len(text)].strip()
    if any(said.taken) or end < 0 or len(said.tokens) > 2 * LONGEST:
        return False
    plain = whole.strip("#*_ ")
    return bool(plain) and (whole.startswith("#") or plain.endswith(":") or (whole[:2] == whole[-2:] == "**"))


def _label_end(said: Marked) -> int:
    """The tokens of a label without anything known in it, and its colon: "**Likes:** war"."""
    words = 0
    for place, token in enumerate(said.tokens):
        if said.taken[place] or words > LONGEST:
            return 0
        words += token.is_word
        if token.word in (":", "→", "=") or (token.word in "–—" and not token.is_word and _is_marked(said, place)):
            return place + 1
    return 0


def _is_marked(said: Marked, place: int) -> bool:
    return any(token.word == "*" for token in said.tokens[:place])


def _sentences(
    text: str, found: Sequence[Token], titles: Sequence[Named], lexicon: Lexicon, language: Language
) -> Iterator[Marked]:
    """Sentences with what they name; a mark inside a title ends none."""
    hidden = list(text)
    for title in titles:
        start, end = found[title.begin].start, found[title.end - 1].end
        hidden[start:end] = "x" * (end - start)
    at = named = 0
    plain = is_plain(found)
    opening, closing = _body(text, found, titles, lexicon)
    for start, end in spans("".join(hidden[opening:closing])):
        start, end = opening + start, opening + end
        while at < len(found) and found[at].start < start:
            at += 1
        while at < len(found) and found[at].start < end:
            first = at
            while at < len(found) and found[at].start < end and at - first < LONGEST_SENTENCE:
                at += 1
            while named < len(titles) and titles[named].begin < first:
                named += 1
            inside: list[Named] = []
            while named < len(titles) and titles[named].end <= at:
                inside.append(titles[named])
                named += 1
            yield _marked(
                text, list(found[first:at]), _titles_in(inside, found, first, lexicon), lexicon, language, plain
            )


def _body(text: str, found: Sequence[Token], titles: Sequence[Named], lexicon: Lexicon) -> tuple[int, int]:
    """A letter without greeting and farewell, unless these name something: "Liebe Western, hasse Krimis"."""
    begin, end = body(text)
    known = [found[title.begin].start for title in titles]
    outside = [at for at, token in enumerate(found) if at and not begin <= token.start < end]
    known += [found[at].start for at in outside if found[at].is_word and lexicon.mention_at(found, at)]
    return 0 if any(at < begin for at in known) else begin, len(text) if any(at >= end for at in known) else end


def _titles_in(titles: Sequence[Named], found: Sequence[Token], first: int, lexicon: Lexicon) -> dict[int, Mention]:
    mentions = {}
    for title in titles:
        if title.certainty < 2 and title.end - title.begin == 1:
            value = lexicon.mention_at(found[title.begin : title.end], 0)
            if value and value.role in ("noun", "weak"):
                continue  # a kind before a title of the same name
        options = tuple((Facet("title", "", item),) for item in title.items)
        mentions[title.begin - first] = Mention(title.begin - first, title.end - first, options, "title")
    return mentions


def _marked(
    text: str, inside: list[Token], mentions: dict[int, Mention], lexicon: Lexicon, language: Language, plain: bool
) -> Marked:
    taken = [False] * len(inside)
    for mention in mentions.values():
        taken[mention.begin : mention.end] = [True] * (mention.end - mention.begin)
    language = language_of([token.word for token in inside], language)
    place = 0
    while place < len(inside):
        if inside[place].word == "war" and language == "de":  # the verb
            place += 1
            continue
        named = None
        if inside[place].is_word and not taken[place] and not _is_other_kind(inside, place):
            named = lexicon.mention_at(inside, place, plain=plain)
            if named and place and inside[place].word in links.KIN and inside[place - 1].word in links.OWNERS:
                named = None  # mein Mann is no director
            if named and named.role in ("noun", "weak") and _is_in_a_title(inside, place, taken):
                named = None
        if named and not any(taken[named.begin : named.end]):
            mentions[place] = named
            taken[named.begin : named.end] = [True] * (named.end - named.begin)
            place = named.end
        else:
            place += 1
    return Marked(text, inside, mentions, taken, lexicon.nouns, language)


def _is_other_kind(inside: Sequence[Token], place: int) -> bool:
    """Neo-noir is no noir, live-action no action."""
    return place > 0 and inside[place].glued and inside[place - 1].word in _OTHER_KINDS


def _is_in_a_title(inside: Sequence[Token], place: int, taken: Sequence[bool]) -> bool:
    """Less like Star Wars, which the catalog lacks: no war film by that word."""
    if place < 2 or taken[place - 1] or not (inside[place].capital and inside[place - 1].capital):
        return False
    before = inside[place - 2].word
    return before in _COMPARED and (place == 2 or inside[place - 3].word in _COMPARING)


def _take_for_known(said: Marked, opinion: Opinion, lexicon: Lexicon, plain: bool) -> None:
    """What is a phrase, and by its words a title: vertigo, which somebody hates."""
    aspect = opinion.aspect
    if aspect.is_phrase and len(aspect.facets) == 1:
        words = [token for token in said.tokens[aspect.begin : aspect.end] if token.is_word]
        if words and (facet := lexicon.meant(words, plain=plain)):
            aspect.facets, aspect.is_phrase = (facet,), False


def _statements(opinions: Sequence[tuple[Marked, Opinion]], subject: str) -> list[Statement]:
    found: dict[tuple[str, str, str], Statement] = {}
    for said, opinion in opinions:
        facets = opinion.aspect.facets
        if facets[0].kind == "title" and facets[0].value == subject:
            continue
        mere = opinion.polarity is None and opinion.aspect.is_phrase and not (subject and opinion.holder == "subject")
        if opinion.polarity == NOTHING or mere:
            continue
        last = said.tokens[max(opinion.begin, opinion.end - 1)]
        start = said.tokens[opinion.begin].start
        statement = Statement(
            facets, _SAID[opinion.polarity], opinion.strength, start, last.end, opinion.holder, opinion.sureness
        )
        found.setdefault((statement.key, statement.polarity, statement.holder), statement)
    return sorted(found.values(), key=lambda statement: (statement.start, statement.end))
