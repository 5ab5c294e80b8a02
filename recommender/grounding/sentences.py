"""The sentences of a text: a list of short strings that an encoder can compare."""

import re
from collections.abc import Iterator
from itertools import islice

from recommender.grounding import tables
from recommender.grounding.words import DISLIKED_PICTURES, LIKED_PICTURES

MOST_SENTENCES = 64  # of one text
_LINE = re.compile(r"[^\n\r\u2028\u2029]+")
_BULLET = re.compile(r"(?:\s|[-*•–—·▪◦‣>|](?=\s)|#+(?=\s)|\(?\d{1,2}[.)](?=\s|\*)|\(?[a-z]\)(?=\s))+")
# In a text where lines begin with either, + and - are opinions.
_PLUS, _MINUS = re.compile(r"^\s*\+\s", re.MULTILINE), re.compile(r"^\s*-\s", re.MULTILINE)
_UNSIGNED = re.compile(_BULLET.pattern.replace("[-*", "[*", 1))
_END = re.compile(r"[.!?…]+|[;；](?=\s)|[。！？；]")
_CLOSING = re.compile(r"[\"'”’»›“‘)\]*_」』）]*")
_TRAILING = re.compile(rf"\s*(?:[{LIKED_PICTURES}{DISLIKED_PICTURES}]\ufe0f?)+")  # "Drama? 🙄 Comedy? 😍"
_SPACE = re.compile(r"\s*")
_LAST_WORD = re.compile(r"([^\W\d_]+(?:[.'’][^\W\d_]+)*|\d+)$")
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])*")
_SHORT = {name: frozenset(" ".join(words).split()) for name, words in tables.sections("abbreviations").items()}
_ABBREVIATIONS, _BEFORE_NUMBER, _MAY_END = _SHORT["always"], _SHORT["before number"], _SHORT["may end"]
_NUMBER = re.compile(r"\d|[IVX]+\b")
_STARTS = re.compile(  # what begins a sentence behind "U.S." and "J."; a name would go on
    r"(?:The|They|It|He|She|This|That|These|Those|I|We|You|But|And|However|In|On|At|As|Their|His|Her|There|When|While"
    r"|Although|For|Not|No|Also|Die|Der|Das|Sie|Er|Es|Aber|Und|El|La|Los|Las|Le|Les|Pero|Y|No)\b"
)


def spans(text: str) -> list[tuple[int, int]]:
    """The places of a text's sentences, clauses after a semicolon, and lines, without bullets; in order."""
    return list(_places(text))


def sentences(text: str) -> list[str]:
    """Its sentences as `spans` finds them, at most MOST_SENTENCES."""
    return list(each_sentence(text))


def each_sentence(text: str) -> Iterator[str]:
    """The same one by one: whoever wants the first looks for no other."""
    return (text[start:end] for start, end in islice(_places(text), MOST_SENTENCES))


def _places(text: str) -> Iterator[tuple[int, int]]:
    bullets = _UNSIGNED if _PLUS.search(text) and _MINUS.search(text) else _BULLET
    for line in _LINE.finditer(text):
        yield from _of_line(text, line.start(), line.end(), bullets)


def _of_line(text: str, place: int, line_end: int, bullets: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    while place < line_end:
        if bullet := bullets.match(text, place, line_end):
            place = bullet.end()
        end = _next_end(text, place, line_end)
        start, stop = place, end
        while stop > start and text[stop - 1].isspace():
            stop -= 1
        if any(map(str.isalnum, text[start:stop])):
            yield start, stop
        place = end


def _next_end(text: str, place: int, line_end: int) -> int:
    for mark in _END.finditer(text, place, line_end):
        end = mark.end()
        if pictures := _TRAILING.match(text, end, line_end):
            return pictures.end()
        closing = _CLOSING.match(text, end, line_end)
        after = closing.end() if closing else end
        following = _SPACE.match(text, after, line_end)
        begin = following.end() if following else after
        if begin >= line_end:
            return line_end
        if mark[0][-1] in "。！？；" or (mark[0] == ";" and after == end):
            return after
        if _cuts(text, mark, place, after, begin):
            return after
    return line_end


def _cuts(text: str, mark: re.Match[str], place: int, after: int, begin: int) -> bool:
    """Whether a sentence ends at a mark; `after`: behind its quotation marks; `begin`: where the next one begins."""
    start, end, said = mark.start(), mark.end(), mark[0]
    opening = text[begin : begin + 3].lstrip("\"'“”„‘«»‹›([*_¿¡")[:1]
    upper = not opening or opening.isupper() or opening.isdigit() or not opening.isalpha() or not opening.islower()
    quoted = after > end
    word = _LAST_WORD.search(text, max(place, start - 20), start)
    before = word[0].casefold() if word else ""
    if begin == after:  # nothing between: "…of all."They love" and "films.They love" are two sentences
        runs_on = upper and opening.isalpha() and text[begin + 1 : begin + 2].islower()
        if quoted:
            return runs_on and said != "…" and text[end] not in ")]"
        return runs_on and said[-1] in ".!?" and len(before) > 2 and before.isalpha() and before not in _ABBREVIATIONS
    if said == ".":
        if before in _BEFORE_NUMBER and _NUMBER.match(text, begin):
            return False
        if before in _MAY_END and not quoted:
            return upper and (before not in ("jr", "sr") or bool(_STARTS.match(text, begin)))
        if before in _ABBREVIATIONS and not quoted:
            return False
        if _INITIALS.fullmatch(before) and not quoted:
            return bool(_STARTS.match(text, begin))
        if before.isdigit() and start == place + len(before):
            return False
    if "…" in said or said.endswith(".."):
        return upper
    return upper or not quoted
