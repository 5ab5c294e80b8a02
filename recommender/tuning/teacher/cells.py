"""R4ec's filter: what a prediction, its label and a judgement make of a teacher's text (METHODS.md 1.3).

The label is compared afterwards and is in no prompt. A critique counts only when following it turned a wrong prediction
into a right one.
"""

from enum import StrEnum
from typing import Literal

SetName = Literal["reason", "reflect", "refine"]


class Cell(StrEnum):
    """Where a text falls; the second half of each name is what comes of it."""

    AGREED = "agreed"  # right, and judged reasonable: kept
    JUDGED_DOWN = "judged_down"  # right, but judged not reasonable: discarded
    UNNOTICED = "unnoticed"  # wrong, and judged reasonable: discarded
    TO_REFINE = "to_refine"  # wrong, and judged not reasonable: the teacher refines it
    MENDED = "mended"  # refined, and now right: critique and refinement are kept
    NOT_MENDED = "not_mended"  # refined, and still wrong: discarded


ROWS: dict[Cell, tuple[SetName, ...]] = {
    Cell.AGREED: ("reason", "reflect"),
    Cell.JUDGED_DOWN: (),
    Cell.UNNOTICED: (),
    Cell.TO_REFINE: (),
    Cell.MENDED: ("reflect", "refine"),
    Cell.NOT_MENDED: (),
}


def cell(*, label: bool, predicted: bool, reasonable: bool, refined: bool | None = None) -> Cell:
    """The cell of one text.

    `predicted`: what the teacher's text predicts; `reasonable`: the judge's verdict on it; `refined`: what the refined
    text predicts, None before it is there. Only a wrong text that was judged not reasonable is ever refined.
    """
    if refined is not None and (predicted == label or reasonable):
        raise ValueError("only a wrong text that was judged not reasonable is refined")
    if predicted == label:
        return Cell.AGREED if reasonable else Cell.JUDGED_DOWN
    if reasonable:
        return Cell.UNNOTICED
    if refined is None:
        return Cell.TO_REFINE
    return Cell.MENDED if refined == label else Cell.NOT_MENDED
