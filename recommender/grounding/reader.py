"""A text taken apart into statements: what it says of which aspects of items, whose opinion that is, and where."""

from collections.abc import Iterator, Sequence
from typing import Literal

from recommender.grounding.aspects import Marked
from recommender.grounding.cues import Language, language_of
from recommender.grounding.lexicon import Lexicon, Mention
from recommender.grounding.opinions import Opinion, opinions_in
from recommender.grounding.sentences import spans
from recommender.grounding.statements import Facet, Polarity, Statement
from recommender.grounding.titles import Named
from recommender.grounding.words import Token, tokens

POLARITIES: dict[int | None, Polarity] = {1: "likes", -1: "dislikes", 0: "mixed", None: "neutral"}
LONGEST_TEXT = 100_000  # characters; what is behind them is not read


def read(text: str, lexicon: Lexicon, *, about: Literal["end_user", "item"], subject: str = "") -> list[Statement]:
    """The statements of a text, in the order of their places. `subject`: external id of the item that a text is about."""
    text = text[:LONGEST_TEXT]
    found = tokens(text)
    titles = lexicon.named_in(text, found)
    language = language_of([token.word for token in found])
    opinions: list[tuple[Marked, Opinion]] = []
    for said in _sentences(text, found, titles, lexicon, language):
        opinions += [(said, opinion) for opinion in opinions_in(said)]
    return _statements(opinions, subject)


def _sentences(
    text: str, found: Sequence[Token], titles: Sequence[Named], lexicon: Lexicon, language: Language
) -> Iterator[Marked]:
    """Sentences with what they name; a mark inside a title ends none."""
    hidden = list(text)
    for title in titles:
        start, end = found[title.begin].start, found[title.end - 1].end
        hidden[start:end] = "x" * (end - start)
    at = named = 0
    for start, end in spans("".join(hidden)):
        while at < len(found) and found[at].start < start:
            at += 1
        first = at
        while at < len(found) and found[at].start < end:
            at += 1
        inside = list(found[first:at])
        mentions: dict[int, Mention] = {}
        while named < len(titles) and titles[named].begin < first:
            named += 1
        while named < len(titles) and titles[named].end <= at:
            title = titles[named]
            options = tuple((Facet("title", "", item),) for item in title.items)
            mentions[title.begin - first] = Mention(title.begin - first, title.end - first, options, "title")
            named += 1
        yield _marked(text, inside, mentions, lexicon, language)


def _marked(
    text: str, inside: list[Token], mentions: dict[int, Mention], lexicon: Lexicon, language: Language
) -> Marked:
    taken = [False] * len(inside)
    for mention in mentions.values():
        taken[mention.begin : mention.end] = [True] * (mention.end - mention.begin)
    place = 0
    while place < len(inside):
        named = lexicon.mention_at(inside, place) if inside[place].is_word and not taken[place] else None
        if named and not any(taken[named.begin : named.end]):
            mentions[place] = named
            taken[named.begin : named.end] = [True] * (named.end - named.begin)
            place = named.end
        else:
            place += 1
    words = [token.word for token in inside]
    return Marked(text, inside, mentions, taken, lexicon.nouns, language_of(words, language))


def _statements(opinions: Sequence[tuple[Marked, Opinion]], subject: str) -> list[Statement]:
    found: dict[tuple[str, str, str], Statement] = {}
    for said, opinion in opinions:
        facets = opinion.aspect.facets
        if facets[0].kind == "title" and facets[0].value == subject:
            continue
        if opinion.polarity is None and opinion.aspect.is_phrase:
            continue
        last = said.tokens[max(opinion.begin, opinion.end - 1)]
        statement = Statement(
            facets, POLARITIES[opinion.polarity], opinion.strength, said.tokens[opinion.begin].start, last.end
        )
        found.setdefault((statement.key, statement.polarity, statement.holder), statement)
    return sorted(found.values(), key=lambda statement: (statement.start, statement.end))
