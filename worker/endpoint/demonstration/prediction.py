"""The demonstration teacher's verdict: whether what a text states would make its reader like a target. It counts."""

from worker.endpoint.demonstration.features import Feature, Record, count, features_of
from worker.endpoint.demonstration.reading import Reading
from worker.endpoint.demonstration.statements import Evidence, Statement, Strength, read_text

FIRMNESS = {Strength.REPORTED: 0.25, Strength.HEDGED: 0.5, Strength.PLAIN: 1.0, Strength.STRONG: 1.5}


def predict(reading: Reading, text: str) -> bool:
    """True: will like. Where the text says nothing about the target's features, what most of the history says."""
    evidence = Evidence.of(reading)
    stated = [
        statement for sentence in read_text(text, evidence) for statement in sentence.statements if statement.stance
    ]
    if reading.is_item:
        person = count(reading.target_history)
        return _share(person) + _fit(stated, evidence.facts, person) > 0.5
    target = set(features_of(reading.target_attributes, reading.target_title))
    score = sum(_weight(statement) for statement in stated if statement.feature in target)
    return score > 0 if score else _share(evidence.records["person"]) > 0.5


def _fit(stated: list[Statement], facts: tuple[Feature, ...], person: Record) -> float:
    """How the target person received what the text calls typical of likers, less what is typical of dislikers."""
    weights = dict.fromkeys(facts, 1.0)
    for statement in stated:
        sign = -1.0 if statement.aspect == "disliker" else 1.0
        weights[statement.feature] = weights.get(statement.feature, 0.0) + sign * _weight(statement)
    base = _share(person)
    known = {feature: weight for feature, weight in weights.items() if person.tally(feature).count}
    total = sum(abs(weight) for weight in known.values())
    return sum(weight * (person.tally(f).share - base) for f, weight in known.items()) / total if total else 0.0


def _weight(statement: Statement) -> float:
    return (statement.stance or 0) * FIRMNESS[statement.strength] * statement.feature.weight


def _share(record: Record) -> float:
    opinions = [entry.liked for entry in record.entries if entry.liked is not None]
    return sum(opinions) / len(opinions) if opinions else 0.5
