"""The demonstration actor's second step: follow a critique, sentence by sentence, whoever wrote it.

Sentences that the critique does not touch stay word for word, so that a reader sees what changed and why.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from worker.endpoint.demonstration import lexicon
from worker.endpoint.demonstration.actor import draft, without_history
from worker.endpoint.demonstration.checks import fair, is_pattern
from worker.endpoint.demonstration.features import Feature, Record
from worker.endpoint.demonstration.phrasing import Voice, shortened
from worker.endpoint.demonstration.reading import Reading
from worker.endpoint.demonstration.statements import Aspect, Evidence, Sentence, Strength, read_text

Kind = Literal["remove", "missing", "contradicted", "too strong", "note"]
MOST = 2  # points of a critique that one refinement takes up


@dataclass(frozen=True, slots=True)
class Point:
    """One complaint about one feature. `stance`: what the critic says is true, where they say it."""

    kind: Kind
    feature: Feature
    stance: int | None
    aspect: Aspect


@dataclass(slots=True)
class Wishes:
    """What a critique asks for, beyond points about features."""

    points: list[Point] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)  # named without a feature: to be counted in, or quoted correctly
    words: list[str] = field(default_factory=list)  # unsupported praise to take out
    shorter: bool = False
    specific: bool = False


def refine(reading: Reading) -> str:
    evidence = Evidence.of(reading)
    voice = Voice(noun=reading.noun, seed=reading.data)
    voice.heard(reading.rationale)
    before = read_text(reading.rationale, evidence)
    if not before:
        return draft(reading)
    wishes = _wishes(reading.critique, evidence)
    after = _rewritten(before, wishes, evidence, voice)
    if [sentence.text for sentence in before] == after:
        after = _acknowledged(after, reading.critique)
    return shortened(after)


def _wishes(critique: str, evidence: Evidence) -> Wishes:
    wishes = Wishes()
    for sentence in read_text(critique, evidence):
        kind = _kind(sentence.words)
        quoted = lexicon.QUOTED.search(sentence.words) is not None
        wishes.shorter |= lexicon.SHORTER.search(sentence.words) is not None
        wishes.specific |= kind == "note" and lexicon.SPECIFIC.search(sentence.words) is not None
        if praise := lexicon.ACCLAIM.search(sentence.words):
            wishes.words.append(praise[0])
        if not sentence.statements and kind != "note":
            wishes.titles += [title for title in sentence.titles if title in evidence.entries]
        for statement in sentence.statements:
            stance = None if quoted else statement.stance
            if kind != "note" or stance is not None:
                wishes.points.append(Point(kind, statement.feature, stance, statement.aspect))
    wishes.points = wishes.points[:MOST]
    return wishes


def _kind(words: str) -> Kind:
    kinds: tuple[tuple[Kind, object], ...] = (
        ("remove", lexicon.REMOVE.search(words)),
        ("too strong", lexicon.TOO_STRONG.search(words)),
        ("contradicted", lexicon.CONTRADICTED.search(words)),
        ("missing", lexicon.MISSING.search(words)),
    )
    return next((kind for kind, found in kinds if found), "note")


def _rewritten(before: list[Sentence], wishes: Wishes, evidence: Evidence, voice: Voice) -> list[str]:
    after: list[str] = []
    done: set[tuple[Aspect, Feature]] = set()
    for sentence in before:
        if any(word in sentence.words for word in wishes.words):
            continue
        touched = [point for point in wishes.points if _touches(point, sentence)]
        if any(_misquotes(title, sentence, wishes) for title in sentence.titles):
            after += _again(sentence, evidence, voice)
        elif not touched:
            after.append(sentence.text)
        else:
            others = [
                s for s in sentence.statements if s.stance is not None and s.feature not in {p.feature for p in touched}
            ]
            for point in touched:
                key = (sentence.aspect, point.feature)
                if key not in done:
                    after += _corrected(point, sentence.aspect, evidence, voice, said=_said(point, sentence))
                done.add(key)
            for kept in others:
                record = evidence.record(kept.aspect)
                if record is not None:
                    after.append(
                        voice.taste(
                            kept.feature, kept.stance or 0, kept.strength, record.tally(kept.feature), kept.aspect
                        )
                    )
    for point in wishes.points:
        if not any(feature == point.feature for _, feature in done):
            after += _corrected(point, point.aspect, evidence, voice)
    after += _counted_in(wishes, after, evidence, voice)
    if wishes.shorter:
        after = _essential(after, evidence)
    return _sides_kept(after, before, evidence)


def _touches(point: Point, sentence: Sentence) -> bool:
    same_side = point.aspect in ("item", "person") or sentence.aspect in (point.aspect,)
    return same_side and any(statement.feature == point.feature for statement in sentence.statements)


def _corrected(
    point: Point, aspect: Aspect, evidence: Evidence, voice: Voice, *, said: Strength | None = None
) -> Iterable[str]:
    """The sentence that takes the place of a criticised one; none when nothing is left to say.

    `said`: how firmly the text stated it so far; None where it did not.
    """
    record = evidence.record(aspect)
    if record is None:
        return
    tally = record.tally(point.feature)
    allowed = fair(point.feature, record)
    if point.kind == "remove":
        if is_pattern(point.feature, record):
            yield voice.left_open(point.feature, aspect)
    elif point.stance is not None and (allowed is None or allowed[0] != point.stance):
        yield voice.taste(point.feature, point.stance, Strength.REPORTED, tally, aspect)
    elif allowed is not None and (tally.count > 1 or point.stance is not None or _is_thin(record)):
        stance, strength = allowed
        if point.kind == "too strong" and said is not None and stance:
            strength = max(Strength.HEDGED, min(strength, Strength(said - 1))) if said else Strength.HEDGED
        yield voice.taste(point.feature, stance, strength, tally, aspect)
    elif said is None:
        yield voice.taste(point.feature, 0, Strength.REPORTED, tally, aspect)


def _said(point: Point, sentence: Sentence) -> Strength:
    return max(statement.strength for statement in sentence.statements if statement.feature == point.feature)


def _essential(sentences: list[str], evidence: Evidence) -> list[str]:
    """Only the sentences that state something about the evidence; where all do, all but the last."""
    read = [(sentence, read_text(sentence, evidence)) for sentence in sentences]
    essential = [sentence for sentence, parts in read if any(part.statements for part in parts)]
    return essential if 0 < len(essential) < len(sentences) else sentences[:-1] or sentences


def _is_thin(record: Record) -> bool:
    """So short a history that even one sample is worth a careful word."""
    return sum(entry.liked is not None for entry in record.entries) <= 5


def _misquotes(title: str, sentence: Sentence, wishes: Wishes) -> bool:
    return title in wishes.titles and "rated" in sentence.text


def _again(sentence: Sentence, evidence: Evidence, voice: Voice) -> Iterable[str]:
    """The same statements once more, with ratings as the history has them."""
    for statement in sentence.statements:
        record = evidence.record(statement.aspect)
        if record is not None and statement.stance is not None:
            yield voice.taste(
                statement.feature,
                statement.stance,
                statement.strength,
                record.tally(statement.feature),
                statement.aspect,
            )


def _counted_in(wishes: Wishes, after: list[str], evidence: Evidence, voice: Voice) -> Iterable[str]:
    text = " ".join(after)
    for title in dict.fromkeys(wishes.titles):
        if title not in text:
            entry = evidence.entries[title][0]
            outcome = {True: "a success", False: "a failure", None: "left open"}[entry.liked]
            yield f"One entry that this picture has to allow for is {voice.entry(entry)}, which was {outcome}."
    if wishes.specific:
        for record in evidence.records.values():
            named = [entry for entry in record.entries if entry.liked is not None and entry.title not in text][-2:]
            if named:
                yield f"Further cases in point are {' and '.join(voice.entry(entry) for entry in named)}."


def _sides_kept(after: list[str], before: list[Sentence], evidence: Evidence) -> list[str]:
    """A text about an item keeps a word about each side, even when all its statements had to go."""
    if not evidence.reading.is_item:
        return after
    sides: tuple[Aspect, Aspect] = ("liker", "disliker")
    left = {sentence.aspect for sentence in read_text(" ".join(after), evidence)}
    gone = {sentence.aspect for sentence in before} - left
    return after + [without_history(aspect) for aspect in sides if aspect in gone]


def _acknowledged(after: list[str], critique: str) -> list[str]:
    """A critique in words that say nothing about features: keep the text, and say what was asked."""
    words = critique.split()
    asked = " ".join(words[:20]) + ("…" if len(words) > 20 else "")
    return (
        [*after, f"This reading is to be taken with care; it was noted that: {asked.rstrip('.')}."] if asked else after
    )
