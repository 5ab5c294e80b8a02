"""Hold statements against the history with plain counts: unsupported, contradicted, missing, invented, misquoted.

`fair` is the other direction, what the counts do allow to be said; nothing that `fair` says is ever found fault with.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from worker.endpoint.demonstration import lexicon
from worker.endpoint.demonstration.features import Feature, Record, Tally
from worker.endpoint.demonstration.reading import Entry
from worker.endpoint.demonstration.statements import Aspect, Evidence, Sentence, Statement, Strength

Fault = Literal["contradicted", "unsupported", "missing", "invented", "misquoted"]
CLEAR = 4  # entries from which a pattern must not be missing
_QUOTED_RATING = re.compile(r"[”\"]? \((?:rated )?(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. `weight` orders findings; `strength`: what the text said, where it said something."""

    fault: Fault
    weight: float
    aspect: Aspect
    feature: Feature | None = None
    stance: int | None = None
    strength: Strength = Strength.PLAIN
    tally: Tally | None = None
    entry: Entry | None = None
    word: str = ""


def find_faults(sentences: Sequence[Sentence], evidence: Evidence) -> list[Finding]:
    """Everything seriously wrong with a text, the gravest first."""
    found = [finding for sentence in sentences for finding in _in_sentence(sentence, evidence)]
    found += _missing(sentences, evidence)
    unique = {
        (finding.aspect, finding.feature, finding.word, finding.entry and finding.entry.title): finding
        for finding in found
    }
    return sorted(unique.values(), key=lambda finding: -finding.weight)


def fair(feature: Feature, record: Record) -> tuple[int, Strength] | None:
    """The stance and strength that the counts allow; None where there is too little to say anything."""
    tally = record.tally(feature)
    if tally.count == 0:
        return None
    if tally.share >= 0.7 or tally.share <= 0.3:
        stance = 1 if tally.share > 0.5 else -1
        return stance, Strength.PLAIN if tally.count >= 3 else Strength.HEDGED
    return 0, Strength.PLAIN


def _in_sentence(sentence: Sentence, evidence: Evidence) -> Iterable[Finding]:
    for statement in sentence.statements:
        if finding := _statement(statement, evidence):
            yield finding
    if sentence.aspect == "item" and (word := lexicon.ACCLAIM.search(sentence.words)):
        yield Finding("invented", 3.0, "item", word=word[0])
    for title in sentence.titles:
        ratings = {entry.rating for entry in evidence.entries.get(title, ())} - {""}
        quoted = _QUOTED_RATING.match(sentence.text, sentence.text.find(title) + len(title))
        if ratings and quoted and quoted[1] not in ratings:
            yield Finding("misquoted", 4.0, sentence.aspect, entry=evidence.entries[title][0], word=quoted[1])


def _statement(statement: Statement, evidence: Evidence) -> Finding | None:
    record = evidence.record(statement.aspect)
    if record is None:
        invented = statement.strength > Strength.REPORTED and statement.feature not in evidence.facts
        same = {fact.value.lower() for fact in evidence.facts}
        if invented and statement.feature.value.lower() not in same:
            return Finding("invented", 3.0, "item", statement.feature, statement.stance, statement.strength)
        return None
    if not statement.stance or statement.strength == Strength.REPORTED:
        return None
    tally = record.tally(statement.feature)
    supporting = len(tally.liked if statement.stance > 0 else tally.disliked)
    against = tally.count - supporting
    fault: Fault | None = None
    if statement.strength == Strength.HEDGED:
        fault = "contradicted" if against > supporting else None
    elif against and (against >= supporting or (statement.strength == Strength.STRONG and 3 * against > tally.count)):
        fault = "contradicted"
    elif supporting < 2:
        fault = "unsupported"
    if fault is None:
        return None
    weight = {"contradicted": 5.0, "unsupported": 2.0}[fault] + against - supporting + statement.strength / 2
    return Finding(fault, weight, statement.aspect, statement.feature, statement.stance, statement.strength, tally)


def _missing(sentences: Sequence[Sentence], evidence: Evidence) -> list[Finding]:
    """The clearest pattern of each kind that the text never mentions."""
    mentioned = {(statement.aspect, statement.feature) for sentence in sentences for statement in sentence.statements}
    found = []
    for scope, record in evidence.records.items():
        for stance in (1, -1):
            clear = [
                (feature, tally)
                for feature, tally in record.tallies.items()
                if _is_clear(feature, tally, stance, record)
                and (scope, feature) not in mentioned
                and (scope == "person" or feature in evidence.facts)
            ]
            if clear:
                feature, tally = max(clear, key=lambda pair: (pair[1].count, pair[0]))
                found.append(Finding("missing", 1.0 + tally.count / 4, scope, feature, stance, tally=tally))
    return found


def is_pattern(feature: Feature, record: Record) -> bool:
    """Whether a text that never mentions the feature counts as incomplete."""
    return any(_is_clear(feature, record.tally(feature), stance, record) for stance in (1, -1))


def _is_clear(feature: Feature, tally: Tally, stance: int, record: Record) -> bool:
    if feature.weight < 1.0 or record.is_everywhere(feature):
        return False
    if stance > 0:
        return tally.count > CLEAR and tally.share >= 0.8
    return tally.count >= CLEAR and tally.share <= 0.25
