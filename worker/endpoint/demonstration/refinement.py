"""The demonstration actor's second step: follow a critique, sentence by sentence, whoever wrote it.

Sentences that the critique does not touch stay word for word, so that a reader sees what changed and why.
"""

from collections.abc import Iterable, Set
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
    """One complaint about one feature. `stance`: what the reflector says is true, where they say it."""

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
    return shortened(after, spare=_spare(after, before))


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
    followed: set[Point] = set()
    written: set[tuple[Aspect, Feature]] = set()
    touching = {number: [p for p in wishes.points if _touches(p, s, before)] for number, s in enumerate(before)}
    for number, sentence in enumerate(before):
        points = touching[number]
        if any(word in sentence.words for word in wishes.words):
            continue
        if any(_misquotes(title, sentence, wishes) for title in sentence.titles):
            after += _again(sentence, evidence, voice)
        elif not points:
            after.append(sentence.text)
        else:
            for point in points:
                if (sentence.aspect, point.feature) not in written:
                    after += _corrected(point, sentence.aspect, evidence, voice, said=_said(point, sentence))
                written.add((sentence.aspect, point.feature))
            after += _again(sentence, evidence, voice, without={point.feature for point in points})
            followed |= set(points)
    for point in wishes.points:
        if point not in followed and (point.aspect, point.feature) not in written:
            after += _corrected(point, point.aspect, evidence, voice)
    after += _counted_in(wishes, after, evidence, voice)
    if wishes.shorter:
        after = _essential(after, evidence)
    return _sides_kept(after, before, evidence)


def _touches(point: Point, sentence: Sentence, text: list[Sentence]) -> bool:
    """Whether a point is about a sentence. One that names no side of an item means its facts, then either side."""
    if not _mentions(point, sentence):
        return False
    if point.aspect != "item":
        return point.aspect == sentence.aspect
    return sentence.aspect == "item" or not any(_mentions(point, s) for s in text if s.aspect == "item")


def _mentions(point: Point, sentence: Sentence) -> bool:
    return any(statement.feature == point.feature for statement in sentence.statements)


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


def _spare(after: list[str], before: list[Sentence]) -> list[str]:
    """What goes first when the text gets too long: sentences that state nothing, then others the text had before."""
    kept = [sentence for sentence in reversed(before) if sentence.text in after]
    return [sentence.text for sentence in sorted(kept, key=lambda sentence: bool(sentence.statements))]


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


def _again(
    sentence: Sentence, evidence: Evidence, voice: Voice, *, without: Set[Feature] = frozenset()
) -> Iterable[str]:
    """The same statements once more, each in a sentence of its own, with ratings as the history has them."""
    for said in sentence.statements:
        record = evidence.record(said.aspect)
        if record is not None and said.stance is not None and said.feature not in without:
            yield voice.taste(said.feature, said.stance, said.strength, record.tally(said.feature), said.aspect)


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
