"""Which first drafts are wrong on purpose, how, and where: the gold that a search for such errors is held against."""

from dataclasses import dataclass

from worker.endpoint.demonstration.actor import draft
from worker.endpoint.demonstration.phrasing import Voice
from worker.endpoint.demonstration.reading import Reading
from worker.endpoint.demonstration.remarks import Kind, remark
from worker.endpoint.demonstration.statements import Evidence


@dataclass(frozen=True, slots=True)
class Placed:
    """A draft's remark with its place in the text. `wrong`: an error was planted in it."""

    kind: Kind
    style: str
    start: int
    end: int
    wrong: bool


def remark_of(reading: Reading, *, variation: str = "") -> Placed | None:
    """The remark of the first draft about this prompt's evidence; None where it has none."""
    made = remark(Evidence.of(reading), Voice(noun=reading.noun, seed=reading.data + variation))
    if made is None:
        return None
    start = draft(reading, variation=variation).find(made.sentence)
    return Placed(made.kind, made.style, start, start + len(made.sentence), made.wrong) if start >= 0 else None


def planted(reading: Reading, *, variation: str = "") -> Placed | None:
    """The error planted in that draft; None in most."""
    found = remark_of(reading, variation=variation)
    return found if found is not None and found.wrong else None
