"""Find what a text says about the features of a history: which are liked, avoided or mixed, and how firmly.

It works on anybody's English text, since people edit rationales and write critiques in their own words.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from worker.endpoint.demonstration import lexicon
from worker.endpoint.demonstration.features import COMMON, Feature, Record, count, features_of, names_of
from worker.endpoint.demonstration.reading import Entry, Reading, Scope

Aspect = Literal["person", "liker", "disliker", "item"]
_WORD = re.compile(r"\d{2,4}'?s\b|[^\W_]+(?:[-'.][^\W_]+)*")
_MASK = re.compile(r"⟦(\d+)⟧")
_YEAR = re.compile(r"\s*\(\d{4}\)\s*$")
MAX_NAME = 5  # words in a feature's name


class Strength(IntEnum):
    REPORTED = 0  # somebody said so; the text does not vouch for it
    HEDGED = 1
    PLAIN = 2
    STRONG = 3


@dataclass(frozen=True, slots=True)
class Statement:
    """One feature in one sentence. `stance`: 1 likes, -1 does not like, 0 mixed, None only mentioned."""

    feature: Feature
    stance: int | None
    strength: Strength
    aspect: Aspect


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    words: str  # lower case, with titles masked
    statements: tuple[Statement, ...]
    titles: tuple[str, ...]
    aspect: Aspect


@dataclass(slots=True)
class Evidence:
    """A prompt's evidence, counted and ready to be looked up."""

    reading: Reading
    records: Mapping[Scope, Record]
    facts: tuple[Feature, ...]
    names: dict[str, Feature] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)  # a title as it may be written → as the prompt has it
    entries: dict[str, list[Entry]] = field(default_factory=dict)  # one title may be in two histories

    @classmethod
    def of(cls, reading: Reading) -> "Evidence":
        records = {  # what an item's own entry says about tastes is known already: its reader liked it, or did not
            scope: count([entry for entry in entries if entry.title != reading.title])
            for scope, entries in reading.histories.items()
        }
        facts = tuple(features_of(reading.attributes, reading.title))
        evidence = cls(reading, records, facts)
        genre = next(
            (feature.attribute for feature in (*facts, *_features(records)) if feature.weight == 1.0), "genres"
        )
        common = (Feature(genre, name) for name in COMMON)
        for feature in (*facts, *_features(records), *common):
            for name in names_of(feature):
                evidence.names.setdefault(" ".join(_WORD.findall(name)), feature)
        for entry in (entry for entries in reading.histories.values() for entry in entries):
            evidence.entries.setdefault(entry.title, []).append(entry)
        evidence.titles = _title_forms((reading.title, *evidence.entries), evidence.names)
        return evidence

    def record(self, aspect: Aspect) -> Record | None:
        return None if aspect == "item" else self.records.get(aspect)


def read_text(text: str, evidence: Evidence) -> list[Sentence]:
    """Split a text into sentences and say what each states. Joined by spaces, they give the text again."""
    masked, titles = _masked(" ".join(text.split()), evidence.titles)
    default: Aspect = "item" if evidence.reading.is_item else "person"
    sentences = []
    for part in filter(None, lexicon.SENTENCE.split(masked)):
        used = tuple(evidence.titles[titles[int(number)]] for number in _MASK.findall(part))
        words = part.lower().replace("’", "'")
        aspect = _aspect(words, default)
        statements = tuple(_statements(words, evidence, aspect))
        original = _MASK.sub(lambda mask: titles[int(mask[1])], part)
        sentences.append(Sentence(original, words, statements, used, aspect))
    return sentences


def _aspect(words: str, default: Aspect) -> Aspect:
    if default == "item":
        if lexicon.WHO_DOES_NOT.search(words):
            return "disliker"
        if lexicon.WHO_DOES.search(words):
            return "liker"
    return default


def _statements(words: str, evidence: Evidence, aspect: Aspect) -> Iterable[Statement]:
    strength = Strength.PLAIN
    if lexicon.REPORTED.search(words):
        strength = Strength.REPORTED
    elif lexicon.HEDGED.search(words):
        strength = Strength.HEDGED
    for clause in lexicon.CLAUSE.split(words):
        if aspect in ("liker", "disliker"):
            clause = lexicon.WHO_DOES.sub(" ", lexicon.WHO_DOES_NOT.sub(" ", clause))
        mentions = _mentions(clause, evidence.names)
        if not mentions:
            continue
        cues = _cues(clause)
        firm = Strength.STRONG if strength == Strength.PLAIN and lexicon.STRONG.search(clause) else strength
        for place, feature in mentions:
            before = [sign for at, sign in cues if at <= place]
            stance = before[-1] if before else (cues[0][1] if cues else None)
            yield Statement(feature, stance, firm, aspect)


def _cues(clause: str) -> list[tuple[int, int]]:
    """Where a clause likes (1), rejects (-1) or is of two minds (0), in the order of its words."""
    found: list[tuple[int, int]] = []
    for pattern, sign in ((lexicon.MIXED, 0), (lexicon.DISLIKES, -1), (lexicon.LIKES, 1)):
        found += [(cue.start(), sign) for cue in pattern.finditer(clause)]
        clause = pattern.sub(lambda cue: " " * len(cue[0]), clause)
    return sorted(found)


def _mentions(clause: str, names: Mapping[str, Feature]) -> list[tuple[int, Feature]]:
    """Features named in a clause, longest names first, each word used once."""
    words = [(word.start(), word[0]) for word in _WORD.finditer(_MASK.sub(" ", clause))]
    found: list[tuple[int, Feature]] = []
    place = 0
    while place < len(words):
        for length in range(min(MAX_NAME, len(words) - place), 0, -1):
            name = " ".join(word for _, word in words[place : place + length])
            if feature := names.get(name):
                if feature not in (known for _, known in found):
                    found.append((words[place][0], feature))
                place += length
                break
        else:
            place += 1
    return found


def _features(records: Mapping[Scope, Record]) -> Iterable[Feature]:
    for record in records.values():
        yield from record.tallies


def _title_forms(titles: Iterable[str], names: Mapping[str, Feature]) -> dict[str, str]:
    """Ways to write each title: in full, without its year, with its article in front ("Godfather, The")."""
    forms: dict[str, str] = {}
    for title in filter(None, titles):
        forms[title] = title
        short = _YEAR.sub("", title)
        moved = re.fullmatch(r"(.+), (The|A|An)", short)
        for form in (short, f"{moved[2]} {moved[1]}" if moved else "", moved[1] if moved else ""):
            if len(form) >= 4 and form.lower() not in names:
                forms.setdefault(form, title)
    return dict(sorted(forms.items(), key=lambda pair: -len(pair[0])))


def _masked(text: str, titles: Mapping[str, str]) -> tuple[str, list[str]]:
    text = text.replace("⟦", "[").replace("⟧", "]")
    used: list[str] = []
    for form in titles:
        start = text.find(form)
        while start >= 0:
            end = start + len(form)
            whole = (
                not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())
                and text[start - 1 : start] != "⟦"
            )
            if whole:
                if form not in used:
                    used.append(form)
                mask = f"⟦{used.index(form)}⟧"
                text, end = text[:start] + mask + text[end:], start + len(mask)
            start = text.find(form, end)
    return text, used
