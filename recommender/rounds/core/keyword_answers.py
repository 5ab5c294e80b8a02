"""Read the keywords in an answer: JSON however its keys are spelt, lists with commas, bullets, numbers or lines."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from recommender.rounds.core import keywords
from recommender.rounds.core.answer_objects import objects_in, whole_object
from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.keywords import Checked
from recommender.rounds.core.parsing import check_end
from recommender.rounds.core.prose import LIST_MARK
from recommender.rounds.core.wrapping import unwrapped

MOST_ENTRIES = 60  # of one answer that are looked at
MOST_WORDS_EACH = 3.5  # on average: more is prose with commas in it
_KEY = re.compile(r"key|tag|term|topic|label|schlag|stich|palabra|clave|mot|关键|キーワード", re.IGNORECASE)
_MARK = re.compile(rf"^(?:{LIST_MARK}|[ \t]*#\d*[ \t]+)")
_LABEL = re.compile(
    r"^[^,;、]{0,80}?(?:\b(?:key ?words?|tags|(?:schl(?:ü|ue)ssel|schlag|stich)w(?:ö|oe|o)rte?r?|palabras clave|"
    r"mots[- ]cl(?:é|e)s|parole chiave|palavras[- ]chave|trefwoorden|ключевые слова)\b|"
    r"キーワード|关键[词字]|關鍵[詞字]|키워드|핵심어)"
    r"(?:[^,:;]{0,40}[:：]|\s+(?:are|sind|son|sont)\b)",
    re.IGNORECASE,
)
# Of entries in one line, what parts them: tags, "] [", hashes, numbers.
_INLINE = (
    re.compile(r"</?[A-Za-z_ -]{1,40}>"),
    re.compile(r"[\[\]]"),
    re.compile(r"(?:^|\s)#(?=\w)"),
    re.compile(r"(?:^|\s)\d{1,2}[.)]\s"),
)
_REMARK = re.compile(r"\s+[–—-]\s+.*$|\s*[:：(（\[].*$")
_DRESS = "*_`\"'“”‘’«»„.# \t"


def parse_keywords(text: str, source: Mapping[str, Any], *, finish_reason: str = "") -> Checked:
    """The keywords in an answer, checked against what was shown.

    Raises MalformedAnswerError where there is no list in it, and where nothing of it stands in the source.
    """
    check_end(text, finish_reason)
    entries = entries_of(unwrapped(text))
    if finish_reason == "length":
        entries = entries[:-1]  # the last one may be half a word
    found = keywords.checked(entries[:MOST_ENTRIES], source)
    if not entries:
        raise MalformedAnswerError("There is no list of keywords; give up to ten, with commas between them.")
    if not found.kept:
        raise MalformedAnswerError("None of the keywords stands in what was shown; take words that are there.")
    return found


def entries_of(text: str) -> list[str]:
    """What an answer lists, as it is written; nothing where it lists nothing."""
    if (found := _json(text)) is not None:
        return [entry for each in found for entry in keywords.listed(each)]
    for mark in _INLINE:
        text = mark.sub(r"\n", text) if len(mark.findall(text)) > 1 else text
    lines = [line for line in text.splitlines() if line.strip()]
    marked = [_plain(_MARK.sub("", line)) for line in lines if _MARK.match(line)]
    if len(marked) > 1:
        return [entry for line in marked for entry in keywords.listed(line)]
    with_commas = [entries for line in lines if len(entries := _entries(line)) > 1 and _are_short(entries)]
    if with_commas:
        return [entry for entries in with_commas for entry in entries]
    alone = [entry for line in lines for entry in _entries(line)]
    return alone if _are_short(alone) else []


def _entries(line: str) -> list[str]:
    line = _LABEL.sub("", line.strip().strip("*_` "))
    return [plain for entry in keywords.listed(_MARK.sub("", line)) if (plain := _plain(entry))]


def _are_short(entries: list[str]) -> bool:
    return bool(entries) and sum(len(entry.split()) for entry in entries) <= MOST_WORDS_EACH * len(entries)


def _plain(entry: str) -> str:
    """Without quotes, stars and the remark behind it: "**Heist** – a robbery that is planned"."""
    return _REMARK.sub("", entry.strip(_DRESS)).strip(_DRESS)


def _json(text: str) -> list[str] | None:
    """The texts of a list in JSON; None where the answer holds none."""
    try:
        whole = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, list):
        return list(_texts(whole))
    found = whole_object(text)
    for each in [found] if found else [*objects_in(text)][::-1]:
        named = [value for key, value in each.items() if _KEY.search(str(key))] or [
            value for value in each.values() if isinstance(value, list)
        ]
        named = named or [value for value in each.values() if isinstance(value, str)]
        if named:
            return list(_texts(named))
    embedded = re.search(r"\[\s*\"[^\[\]{}]*\"\s*\]", text)
    return _json(embedded[0]) if embedded and embedded[0] != text else None


def _texts(value: object, depth: int = 0) -> Iterator[str]:
    """Strings at any depth; of an object the first string of each, which names it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and depth < 5:
        for each in value:
            yield from _texts(each, depth + 1)
    elif isinstance(value, dict) and depth < 5:
        named = [each for each in value.values() if isinstance(each, str | list | dict)]
        yield from _texts(named[:1], depth + 1)
