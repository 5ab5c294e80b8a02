"""What a text says that its evidence contradicts: counts, tastes, titles that nobody has, a stale "latest", ratings.

Each finding has its place in the text, words for people, and the rows that show it. Pure.
What cannot be told is never found: docs/reviewing.md, *What is found wrong in a text*.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Literal

from recommender.grounding import cited, compared, counted, quantities, sides
from recommender.grounding.cited import is_english, is_read
from recommender.grounding.evidence import Evidence, Rated, count, standing, values_of
from recommender.grounding.lexicon import Lexicon
from recommender.grounding.phrases import Marked, without_stars
from recommender.grounding.ratings import misquotes
from recommender.grounding.reader import marked, read
from recommender.grounding.statements import Holder, Statement
from recommender.grounding.tagger.tags import Said, Tagger
from recommender.grounding.witnesses import TOLD, Witnesses, told_of

COUNTED = 0.3  # probability up to which what is counted is no aspect, or is only stated
Kind = Literal["count", "polarity", "title", "order", "rating", "fact"]
_RATED = {"star", "stars", "marks", "mark", "full", "points"}
_NEUTRAL = 3  # place among the tagger's polarities


@dataclass(frozen=True, slots=True)
class Finding:
    """Characters `start` to `end` of a text are wrong; `words` say why, `rows` are the places that show it."""

    kind: Kind
    start: int
    end: int
    words: str
    rows: tuple[int, ...] = ()
    holder: Holder = "subject"


Rows = Sequence[Rated] | Mapping[Holder, Sequence[Rated]]


def findings(
    text: str,
    statements: Sequence[Statement],
    rows: Rows,
    titles: Mapping[str, str],
    ordered: bool = True,
    known_titles: Iterable[str] = (),
    tagger: Tagger | None = None,
) -> list[Finding]:
    """Everything that the rows contradict, in the order of its place.

    `rows`: of an end user, oldest first; of an item, by holder: the item itself as the subject's only row, and the
    histories of a liker and a disliker. `titles`: external id → title. `ordered`: whether rows say what came first.
    `known_titles`: others that a text may name, such as the catalog's. `tagger`: reads every sentence by itself again,
    for one that goes against all others is easily read as they are.
    """
    histories = _Histories.of(rows)
    found: list[Finding] = []
    counts: list[tuple[int, int]] = []
    by_itself: list[Marked] = []
    sentences = [plain for said in marked(text, histories.lexicon) if (plain := without_stars(said)).tokens]
    is_counted = False
    for last_one, said, next_one in zip([None, *sentences], sentences, [*sentences[1:], None], strict=False):
        start, end = said.tokens[0].start, said.tokens[-1].end
        holders = histories.spoken_of(text[start:end], [each for each in statements if start <= each.start < end])
        if histories.is_item:
            sides.hide(said, text[start:end])
        joined = quantities.with_rest(said, next_one)
        found += () if is_counted else _miscounted(joined, histories, holders, tagger, last_one)
        is_counted = joined is not said  # with the sentence before
        found += _stale(text, said, histories, holders, ordered=ordered)
        counting = [(said.tokens[begin].start, said.tokens[stop - 1].end) for begin, stop in counted.counts_in(said)]
        if quantities.may_count(said) or compared.compares(said):
            counting.append((start, end))
        counts += counting
        by_itself += [] if counting else [said]
    witnesses = _witnesses(sentences, histories, tagger) if tagger is not None else None
    english = is_english(text)
    if english or (witnesses is not None and is_read(text)):
        tastes = [each for each in statements if english or each.polarity in TOLD]
        clear = _clear(text, tastes, sentences, [*counts, *cited.sayings(text)], histories, witnesses)
        found += _turned_round(clear, histories, titles)
        told = {each.words for each in found}
        alone = _alone(text, by_itself, histories, witnesses) if witnesses is not None else ()
        own = [each for each in alone if not any(start <= each.start < end for start, end in cited.sayings(text))]
        found += [each for each in _turned_round(own, histories, histories.titles) if each.words not in told]
    found += _invented(text, histories, known_titles)
    found += _misquoted(text, histories)
    return sorted(dict.fromkeys(found), key=lambda finding: (finding.start, finding.end))


@dataclass(frozen=True, slots=True)
class _Histories:
    """Rows by holder, each with a number of its own, which is its external id in `lexicon`."""

    rows: Mapping[Holder, Sequence[Rated]]
    numbered: Mapping[Holder, Sequence[tuple[int, Rated]]]
    places: Sequence[tuple[Holder, int]]
    lexicon: Lexicon

    @classmethod
    def of(cls, rows: Rows) -> "_Histories":
        by_holder: Mapping[Holder, Sequence[Rated]] = rows if isinstance(rows, Mapping) else {"subject": rows}
        places = [(holder, place) for holder, shown in by_holder.items() for place in range(len(shown))]
        numbers = {key: number for number, key in enumerate(places)}
        numbered = {
            holder: [(numbers[holder, place], row) for place, row in enumerate(shown)]
            for holder, shown in by_holder.items()
        }
        everything = [(str(number), row) for shown in numbered.values() for number, row in shown]
        lexicon = Lexicon.of((number, row.title, row.attributes) for number, row in everything)
        return cls(by_holder, numbered, places, lexicon)

    @property
    def is_item(self) -> bool:
        return "likers" in self.rows or "dislikers" in self.rows

    @property
    def about(self) -> Literal["end_user", "item"]:
        return "item" if self.is_item else "end_user"

    @property
    def titles(self) -> dict[str, str]:
        """By the ids that `lexicon` has."""
        return {str(number): self.rows[holder][place].title for number, (holder, place) in enumerate(self.places)}

    @property
    def all_rows(self) -> list[Rated]:
        return [row for shown in self.rows.values() for row in shown]

    def spoken_of(self, sentence: str, statements: Sequence[Statement]) -> list[Holder]:
        """Whose rows a sentence may be about."""
        if not self.is_item:
            return ["subject"]
        named = sides.named(sentence) or {each.holder for each in statements if each.holder != "subject"}
        return [holder for holder in self.rows if holder in (named or {"likers", "dislikers"})]

    def readings(self, holder: Holder) -> list[Sequence[tuple[int, Rated]]]:
        """The rows of one holder; of an item's, also without the item itself, whose line says what is known already."""
        shown = self.numbered[holder]
        own = {row.title for row in self.rows.get("subject", ())} if holder != "subject" else set()
        without = [(number, row) for number, row in shown if row.title not in own]
        return [without, shown] if len(without) < len(shown) else [shown]

    def finding(self, kind: Kind, start: int, end: int, words: str, numbers: Iterable[int] = ()) -> Finding:
        places = [self.places[number] for number in numbers]
        holder = places[0][0] if places else "subject"
        return Finding(kind, start, end, words, tuple(place for of, place in places if of == holder), holder)


def _miscounted(
    said: Marked, histories: _Histories, holders: Sequence[Holder], tagger: Tagger | None, earlier: Marked | None
) -> Iterator[Finding]:
    def hears(said: Marked, begin: int, end: int) -> bool:
        heard = _tagged(said, said.tokens[begin].start, said.tokens[end - 1].end, histories, tagger)
        return heard is not None and heard.outside < COUNTED and heard.polarities[_NEUTRAL] < COUNTED

    readings = [rows for holder in holders for rows in histories.readings(holder)]
    for wrong in chain(compared.miscompared(said, readings), counted.miscounts(said, readings, hears, earlier)):
        words = f"says {wrong.said}; it is {wrong.true}"
        yield histories.finding("count", wrong.start, wrong.end, words, wrong.rows)


def _tagged(said: Marked, start: int, end: int, histories: _Histories, tagger: Tagger | None) -> Said | None:
    """What the tagger says of characters `start` to `end` of a sentence that it reads by itself."""
    if tagger is None or start >= end:
        return None
    first, last = said.tokens[0].start, said.tokens[-1].end
    return tagger.tags(said.text[first:last], histories.about).of(start - first, end - first)


def _stale(
    text: str, said: Marked, histories: _Histories, holders: Sequence[Holder], *, ordered: bool
) -> Iterator[Finding]:
    if not ordered:
        for mention in cited.called_latest(text, said):
            start, end = said.tokens[mention.begin].start, said.tokens[mention.end - 1].end
            words = f"calls “{text[start:end]}” the latest; what came first is not known"
            yield histories.finding("order", start, end, words)
        return
    found = [list(cited.stale(text, said, histories.numbered[holder])) for holder in holders]
    if found and all(found):
        for old in found[0]:
            after = len(histories.numbered[histories.places[old.rows[-1]][0]]) - 1 - histories.places[old.rows[-1]][1]
            words = f"calls “{old.title}” the latest; {after} came after it"
            yield histories.finding("order", old.start, old.end, words, old.rows)


_WitnessesOf = Callable[[Marked, Holder], Witnesses]


def _witnesses(sentences: Sequence[Marked], histories: _Histories, tagger: Tagger) -> _WitnessesOf:
    """Of each sentence and holder, heard once."""
    known: dict[tuple[int, Holder], Witnesses] = {}
    earlier = {said.tokens[0].start: last for last, said in pairwise(sentences)}

    def of(said: Marked, holder: Holder) -> Witnesses:
        key = said.tokens[0].start, holder
        if key not in known:
            last = earlier.get(said.tokens[0].start)
            known[key] = Witnesses.of(said, holder, histories.lexicon, histories.about, tagger, last)
        return known[key]

    return of


def _clear(
    text: str,
    statements: Sequence[Statement],
    sentences: Sequence[Marked],
    counts: Sequence[tuple[int, int]],
    histories: _Histories,
    witnesses: _WitnessesOf | None,
) -> Iterator[Statement]:
    """Statements whose words say the same at a second look, and of which the tagger does not hear the opposite. None of
    a clause that counts, of somebody else's words (`counts`) or of a sentence that names the other side of an item;
    none of a title with a number beside it, which is its rating."""
    for statement in statements:
        if any(start < statement.end and statement.start < end for start, end in counts):
            continue
        said = next((each for each in sentences if each.tokens[-1].end > statement.start), None)
        if said is None:
            continue
        named = sides.named(text[said.tokens[0].start : said.tokens[-1].end])
        if statement.holder != "subject" and len(named) == 1 and statement.holder not in named:
            continue
        own = [token.word for token, taken in zip(said.tokens, said.taken, strict=True) if not taken]
        is_rated = any(word.isdecimal() or word in _RATED for word in own)
        if is_rated and any(facet.kind == "title" for facet in statement.aspect):
            continue
        if statement.polarity == "mixed" and witnesses is not None:
            sentence = text[said.tokens[0].start : said.tokens[-1].end]
            if any(each.polarity == "mixed" for each in read(sentence, histories.lexicon, about=histories.about)):
                yield statement
        elif statement.polarity not in TOLD:
            yield statement
        elif witnesses is None:
            if told_of(said, statement) is TOLD[statement.polarity]:
                yield statement
        elif witnesses(said, statement.holder).are_sure(statement):
            yield statement


def _alone(
    text: str, sentences: Iterable[Marked], histories: _Histories, witnesses: _WitnessesOf
) -> Iterator[Statement]:
    """Tastes that a sentence tells by itself. What is said of one side of an item is read as if it were said of a
    person."""
    for said in sentences:
        start, end = said.tokens[0].start, said.tokens[-1].end
        side = sides.said_of_one(text[start:end]) if histories.is_item else ("subject", "")
        if side is None:
            continue
        by_itself = witnesses(said, side[0])
        for each in (*by_itself.ruled, *by_itself.heard):
            begin, stop = max(start, each.start + by_itself.shift), each.end + by_itself.shift
            placed = replace(each, start=begin, end=stop, holder=side[0])
            if all(facet.kind != "title" for facet in each.aspect) and by_itself.are_sure(placed):
                yield placed


def _turned_round(
    statements: Iterable[Statement], histories: _Histories, titles: Mapping[str, str]
) -> Iterator[Finding]:
    for statement in statements:
        if statement.holder not in histories.rows:
            continue
        shown = histories.readings(statement.holder)[0]
        rows = [row for _, row in shown]
        evidence = count(statement, rows, titles)
        if standing(statement, evidence) != "contradicted" or evidence is None:
            continue
        kind: Kind = "fact" if statement.polarity == "neutral" else "polarity"
        numbers = [shown[place][0] for place in evidence.rows]
        words = _words(statement, evidence, titles)
        found = histories.finding(kind, statement.start, statement.end, words, numbers)
        yield replace(found, holder=statement.holder)


def _words(statement: Statement, evidence: Evidence, titles: Mapping[str, str]) -> str:
    facets = [titles.get(f.value, f.value) if f.kind == "title" else f.value for f in statement.aspect]
    aspect = ", ".join(facets)
    if statement.polarity == "neutral":
        return f"says {aspect}; the data says otherwise"
    said = {"likes": "is liked", "dislikes": "is not liked", "mixed": "divides"}[statement.polarity]
    return f"says that {aspect} {said}; {evidence.liked} of {evidence.judged} were liked"


def _invented(text: str, histories: _Histories, known_titles: Iterable[str]) -> Iterator[Finding]:
    rows = histories.all_rows
    values = {value for row in rows for each in row.attributes.values() for value in values_of(each)}
    for strange in cited.invented(text, [row.title for row in rows], known_titles, values):
        words = f"names “{strange.title}”, which is not among what is shown"
        yield histories.finding("title", strange.start, strange.end, words)


def _misquoted(text: str, histories: _Histories) -> Iterator[Finding]:
    for wrong in misquotes(text, [(row.title, row.rating) for row in histories.all_rows]):
        numbers = [number for shown in histories.numbered.values() for number, row in shown if row.title == wrong.title]
        words = f"says that “{wrong.title}” was rated {wrong.said:g}; it was rated {wrong.rated:g}"
        yield histories.finding("rating", wrong.start, wrong.end, words, numbers)
