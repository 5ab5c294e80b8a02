import itertools

import pytest

from recommender.tuning.teacher.cells import ROWS, Cell, cell


@pytest.mark.parametrize(
    ("predicted", "label", "reasonable", "refined", "expected", "rows"),
    [
        (True, True, True, None, Cell.AGREED, ("reason", "reflect")),
        (False, False, True, None, Cell.AGREED, ("reason", "reflect")),
        (True, True, False, None, Cell.JUDGED_DOWN, ()),
        (False, False, False, None, Cell.JUDGED_DOWN, ()),
        (True, False, True, None, Cell.UNNOTICED, ()),
        (False, True, True, None, Cell.UNNOTICED, ()),
        (True, False, False, None, Cell.TO_REFINE, ()),
        (False, True, False, None, Cell.TO_REFINE, ()),
        (True, False, False, False, Cell.MENDED, ("reflect", "refine")),
        (False, True, False, True, Cell.MENDED, ("reflect", "refine")),
        (True, False, False, True, Cell.NOT_MENDED, ()),
        (False, True, False, False, Cell.NOT_MENDED, ()),
    ],
)
def test_every_cell_of_the_rule(
    predicted: bool, label: bool, reasonable: bool, refined: bool | None, expected: Cell, rows: tuple[str, ...]
) -> None:
    found = cell(label=label, predicted=predicted, reasonable=reasonable, refined=refined)
    assert found is expected
    assert ROWS[found] == rows


def test_only_a_wrong_text_that_was_judged_down_may_have_been_refined() -> None:
    for label, predicted, reasonable, refined in itertools.product([True, False], repeat=4):
        if predicted == label or reasonable:
            with pytest.raises(ValueError, match="is refined"):
                cell(label=label, predicted=predicted, reasonable=reasonable, refined=refined)
