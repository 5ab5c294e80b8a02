"""The demonstration actor names keywords and answers Yes or No: by counting words, and what the history shows."""

from collections import Counter

from recommender.grounding.prose import is_prose
from recommender.rounds.core import keywords
from worker.endpoint.demonstration.actor import draft
from worker.endpoint.demonstration.prediction import predict
from worker.endpoint.demonstration.reading import Reading

LONG = 6  # letters of a word of a description that may be a keyword


def named(reading: Reading) -> list[str]:
    """Short values first, then the long words of descriptions that come most often, the first of equals."""
    _, *lines = reading.source.splitlines()
    values = [value for line in lines for _, _, value in [line.partition(": ")]]
    short = [entry for value in values if not is_prose(value) for entry in keywords.listed(value)]
    counted = Counter(
        word.strip(".,;:!?()\"'“”")
        for value in values
        if is_prose(value)
        for word in value.split()
        if len(word) >= LONG
    )
    often = sorted(counted, key=lambda word: -counted[word])
    return keywords.cleaned([*short, *often])[: keywords.MOST]


def reasoned(reading: Reading, *, hinted: bool | None) -> str:
    """Yes or No, and what the history shows. A hint is believed."""
    said = draft(reading)
    liked = predict(reading, said) if hinted is None else hinted
    return f"{'Yes' if liked else 'No'}. {said}"
