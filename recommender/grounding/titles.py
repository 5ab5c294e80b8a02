"""The titles of a catalog, and where a text names them: as written, with a moved article, without year or subtitle."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from recommender.grounding import tables
from recommender.grounding.cues import language_of
from recommender.grounding.spelling import Spelling
from recommender.grounding.words import Token, folded_words, tokens

_ORDINARY = {name: frozenset(" ".join(lines).split()) for name, lines in tables.sections("ordinary").items()}
ORDINARY = _ORDINARY["words"] | _ORDINARY["names"]  # alone they name no title and no person
MOST_ITEMS = 3  # that one name may mean
MOST_WORDS = 31  # of a title
_YEAR = re.compile(r"\s*[(\[](\d{4})[)\]]\s*$")
_ASIDE = re.compile(r"\s*\(([^()]*)\)\s*")
_MOVED = re.compile(r"(.+), (The|A|An|Der|Die|Das|Ein|Eine|Le|La|Les|L'|El|Los|Las|Il|I|Lo|Gli|Un|Una|Une|De|Den|Det)")
_ARTICLE = re.compile(r"(?:The|A|An|Der|Die|Das|El|La|Los|Las|Le|Les|Il) (?=\S)")
_DOTTED = re.compile(r"(?:[A-Z]\.){2,}(?=\s)")  # E.T. the Extra-Terrestrial
_SUBTITLE = re.compile(r":\s|\s[-–—]\s|;?,? or[:,] | oder: ")
_OPENS = "\"'“”„‘‚«»‹›*_`<[「『"
_CLOSES = "\"'“”’‘»«›‹*_`>]」』"
_FOLLOWING_YEAR = re.compile(r"[\"'”’»«›*_,.\s]{0,4}[(\[,]\s?(\d{4})\b")
_FOLLOWING_RATING = re.compile(
    r"[\"'”’»«›*_]*\s?(?:[(:,–—-]\s?)?\(?(?:rated|rating|scored|given|bewertet|puntuada?|nota)\b|[\"'”’»«›*_]*\s?[(:,–—=-]\s?\d(?:[.,]\d)?"
    r"(?:\s?/\s?\d|\s(?:stars?|sterne?n?|estrellas?)|\)|[\"\s.,;]|$)|\s?★|[\"'”’*_]*\s\d(?:[.,]\d)?/\d",
    re.IGNORECASE,
)
_VERBS = {"is", "was", "got", "gets", "received", "remains", "has", "did", "'s", "ist", "war", "bekam", "es", "fue"}
_JOINS = {",", ";", "and", "or", "und", "oder", "y", "e", "o", "like", "to", "/", "but", "not"}
# Words behind which one with a capital letter is a title.
_BEFORE = {name: frozenset(" ".join(lines).split()) for name, lines in tables.sections("before_title").items()}
_BEFORE_TITLE, _BEFORE_SMALL = _BEFORE["capital"], _BEFORE["small"]
_BEFORE_YEAR = frozenset({"from", "of", "in", "during", "since", "on", "to", "is", "until", "after", "before"})
_BREAK = re.compile(r"[\n;]|[.!?]\s")


@dataclass(frozen=True, slots=True)
class Named:
    """Tokens `begin` to `end` of a text name one of `items`. `certainty`: 0 only beside other titles, 1 by its writing,
    2 by quotation marks, a year or a rating."""

    begin: int
    end: int
    items: tuple[str, ...]
    certainty: int


class _Form(NamedTuple):
    written: str
    whole: bool  # not shortened


def year_of(title: str) -> int | None:
    found = _YEAR.search(title)
    return int(found[1]) if found else None


def forms(title: str) -> list[_Form]:
    """The ways in which a title may be written."""
    base = _YEAR.sub("", title).strip()
    names = [base]
    if "(" in base and (aside := _ASIDE.search(base)):
        names = [_ASIDE.sub(" ", base).strip(), aside[1], base]
    found: dict[str, bool] = {}
    for name in names:
        if ", " in name and (moved := _MOVED.fullmatch(name)):
            space = "" if moved[2].endswith("'") else " "
            found.setdefault(moved[2] + space + moved[1], True)
        elif article := _ARTICLE.match(name):
            found.setdefault(f"{name[article.end() :]}, {article[0].strip()}", True)
        found.setdefault(name, True)
    for name in list(found):
        if short_form := _DOTTED.match(name):
            found.setdefault(short_form[0], False)
        parts = _SUBTITLE.split(name)
        for short in (parts[0], parts[-1] if parts[-1].count(" ") > 1 else "", _ARTICLE.sub("", name, count=1)):
            if len(short) > 2:
                found.setdefault(short, False)
    return [_Form(written, whole) for written, whole in found.items() if written]


class Titles:
    """An index by hash: what it holds of a title is its number, once for each way to write it."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._titles: list[str] = []
        self._numbers: dict[str, int | tuple[int, ...]] = {}
        self._lengths: dict[str, int] = {}  # the first word → bits, one for each number of words

    def add(self, item_id: str, title: str) -> None:
        number = len(self._ids)
        self._ids.append(item_id)
        self._titles.append(title)
        seen = set()
        for form in forms(title):
            words = folded_words(form.written)[:MOST_WORDS]
            key = " ".join(words)
            if not words or key in seen:
                continue
            seen.add(key)
            known = self._numbers.get(key)
            if known is None:
                self._numbers[key] = number
            else:
                others = known if isinstance(known, tuple) else (known,)
                self._numbers[key] = (*others, number)[: 4 * MOST_ITEMS]
            first = " ".join(words[:2])
            self._lengths[first] = self._lengths.get(first, 0) | 1 << len(words)

    @cached_property
    def spelling(self) -> Spelling:
        """The words of all titles; made when somebody writes a word that is none."""
        return Spelling({word for key in self._numbers for word in key.split()}, slips=1)

    def named_in(self, text: str, found: Sequence[Token]) -> list[Named]:
        """From left to right, longest first; a word names one title only."""
        places = [place for place, token in enumerate(found) if token.is_word]
        words = [found[place].word for place in places]
        named: list[Named] = []
        plain = is_plain(found)
        at = 0
        while at < len(words):
            hit = self._at(text, found, places, words, at, plain)
            if hit:
                named.append(hit)
                while at < len(places) and places[at] < hit.end:
                    at += 1
            else:
                at += 1
        return _with_company(found, named, plain)

    def item_of(self, said: Sequence[Token]) -> str | None:
        """The one item whose whole title these words are; none for ordinary words, and where case differs."""
        words = [token.word for token in said]
        numbers = self._numbers.get(" ".join(words))
        known_as = ORDINARY - _ORDINARY["names"] if said[0].capital else ORDINARY  # Emma may be meant, Help is not
        if not isinstance(numbers, int) or all(word in known_as or len(word) < 4 for word in words):
            return None
        known = [form for form in forms(self._titles[numbers]) if folded_words(form.written) == words]
        if len(words) == 1 and not said[0].capital:
            known = [form for form in known if form.whole]
        plain = not any(token.capital for token in said)
        if plain and len(words) == 1 and words[0].endswith("s") and not words[0].endswith(("ss", "us", "is")):
            return None  # aliens, of any kind
        return self._ids[numbers] if known and (plain or _same_case(said, known[0].written)) else None

    def _at(
        self, text: str, found: Sequence[Token], places: Sequence[int], words: Sequence[str], at: int, plain: bool
    ) -> Named | None:
        bits = self._lengths.get(words[at], 0) & 2
        if at + 1 < len(words):
            bits |= self._lengths.get(f"{words[at]} {words[at + 1]}", 0)
        while bits:
            length = bits.bit_length() - 1
            bits ^= 1 << length
            if at + length > len(words):
                continue
            numbers = self._numbers.get(" ".join(words[at : at + length]))
            if numbers is None:
                continue
            begin, end = places[at], places[at + length - 1] + 1
            known = numbers if isinstance(numbers, tuple) else (numbers,)
            if hit := self._checked(text, found, begin, end, known, plain):
                return hit
        return None

    def _checked(
        self, text: str, found: Sequence[Token], begin: int, end: int, numbers: tuple[int, ...], plain: bool
    ) -> Named | None:
        start, stop = found[begin].start, found[end - 1].end
        said = text[start:stop]
        following = _FOLLOWING_YEAR.match(text, stop)
        year = int(following[1]) if following else None
        quoted = _is_quoted(text, start, stop)
        rated = _FOLLOWING_RATING.match(text, stop) is not None and found[begin].capital
        key = [token.word for token in found[begin:end] if token.is_word]
        fitting: list[tuple[bool, str]] = []
        certainty = 0
        for number in numbers:
            form = next((f for f in forms(self._titles[number]) if folded_words(f.written)[:MOST_WORDS] == key), None)
            if form is None or (_BREAK.search(said) and not _BREAK.search(form.written)):
                continue
            of_item = year_of(self._titles[number])
            if year is not None and of_item is not None and abs(year - of_item) > 1:
                continue
            if quoted or (year is not None and year == of_item and found[begin].capital):
                sure = 2
            elif plain:
                sure = _dictated(found, begin, end, form)
            elif not _same_case(found[begin:end], form.written):
                continue
            else:
                sure = 2 if rated else _alone(text, found, begin, end, form)
            if sure >= 0:
                fitting.append((form.whole, self._ids[number]))
                certainty = max(certainty, sure)
        if any(whole for whole, _ in fitting):
            fitting = [each for each in fitting if each[0]]
        if not fitting or len(fitting) > MOST_ITEMS:
            return None
        if year is not None and following and following[0][-5] == "(":
            while end < len(found) and found[end].start < following.end() + 1:
                end += 1
        return Named(begin, end, tuple(item for _, item in fitting), certainty)


def _is_quoted(text: str, start: int, stop: int) -> bool:
    before = text[start - 1 : start] if start else ""
    after = text[stop : stop + 1]
    if after in (".", ",", "!", "?", ";", ":") and after:
        after = text[stop + 1 : stop + 2]
    elif after in (" ", "(") and (year := _FOLLOWING_YEAR.match(text, stop)):
        after = text[year.end() + 1 : year.end() + 2]
    return bool(before) and before in _OPENS and bool(after) and after in _CLOSES


def _same_case(said: Sequence[Token], written: str) -> bool:
    """Whether each word that the title has with a capital letter has one in the text as well."""
    own = [token for token in tokens(written) if token.is_word]
    words = [token for token in said if token.is_word]
    return any(token.capital or token.word.isdecimal() for token in own) and all(
        token.capital or not mine.capital or len(mine.word) < 3 for token, mine in zip(words, own, strict=False)
    )


def _alone(text: str, found: Sequence[Token], begin: int, end: int, form: _Form) -> int:
    """The certainty of words without any mark; -1 where they are no title at all."""
    words = [token for token in found[begin:end] if token.is_word]
    starts = _begins_sentence(text, words[0].start)
    if len(words) > 1:
        if not any(token.capital for token in (words[1:] if starts and len(words) < 4 else words)):
            return -1
        return 1 if form.whole or len(words) > 2 or any(token.word not in ORDINARY for token in words) else -1
    word = words[0].word
    if not (words[0].capital or len(word) > 2) or not (form.whole or word.isdecimal()):
        return -1
    if len(word) < 4 or word in ORDINARY or not word.isalpha():
        return 0
    if starts:
        return 1 if end < len(found) and found[end].word in _VERBS else 0
    return 1


def is_plain(found: Sequence[Token]) -> bool:
    """Whether a text is written without any capital letter, as when it was dictated."""
    return len(found) > 3 and not any(token.capital for token in found)


def _dictated(found: Sequence[Token], begin: int, end: int, form: _Form) -> int:
    """The certainty of words in a text without capital letters; -1 where they are no title."""
    words = [token.word for token in found[begin:end] if token.is_word]
    rare = any(word not in ORDINARY and len(word) > 3 for word in words)
    if len(words) > 2 or (len(words) == 2 and rare and form.whole):
        return 1 if form.whole or rare else 0
    return 0 if form.whole and (len(words) == 2 or len(words[0]) > 3) else -1


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 6) : start].rstrip(' \t*_#>-•"“„«([')
    return not before or before[-1] in ".!?:;\n…"


def _with_company(found: Sequence[Token], named: list[Named], plain: bool) -> list[Named]:
    """Without the uncertain ones that are in no list of titles."""
    chains: list[list[Named]] = []
    for name in named:
        between = found[chains[-1][-1].end : name.begin] if chains else []
        if between and len(between) <= 4 and _in_list(between):
            chains[-1].append(name)
        else:
            chains.append([name])
    kept = []
    nouns_are_small = not plain and language_of([token.word for token in found]) != "de"
    for chain in chains:
        certain = any(name.certainty for name in chain)
        if not certain and (_is_behind(found, chain) if plain else _is_spoken_of(found, chain, nouns_are_small)):
            certain = True
        kept += [name for name in chain if name.certainty or certain]
    return kept


def _is_behind(found: Sequence[Token], chain: Sequence[Named]) -> bool:
    """Whether what stands before words in small letters says that they are a title: we watched alien."""
    return chain[0].begin > 0 and found[chain[0].begin - 1].word in _BEFORE_SMALL


def _is_spoken_of(found: Sequence[Token], chain: Sequence[Named], nouns_are_small: bool) -> bool:
    """Whether a capital letter inside a sentence, a colon or a question mark say that ordinary words are a title."""
    before = found[chain[0].begin - 1] if chain[0].begin else None
    after = found[chain[-1].end] if chain[-1].end < len(found) else None
    year = found[chain[0].begin].word.isdecimal()
    if year and before is not None and before.word in _BEFORE_YEAR:
        return False
    if len(chain) > 2 or (after is not None and after.word in ":?=" and not after.is_word):
        return True
    if before is None or not before.is_word:
        return before is not None and before.word == ":" and len(chain) > 1
    if before.word in _BEFORE_TITLE:
        return True
    inside = [token.word for name in chain for token in found[name.begin : name.end] if token.is_word]
    goes_on = after is not None and after.capital
    names = _ORDINARY["names"].intersection(inside)
    return nouns_are_small and not (year or before.capital or goes_on or names)


def _in_list(between: Sequence[Token]) -> bool:
    words = {token.word for token in between}
    return bool(words & _JOINS) and all(
        token.word in _JOINS or not token.is_word or token.word.isdecimal() for token in between
    )
