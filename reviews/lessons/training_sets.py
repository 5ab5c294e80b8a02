"""Training sets of a catalog: everything people decided, and everything a teacher wrote that passed R4ec's filter."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from recommender.models import Catalog
from recommender.tuning.layouts import Layout
from recommender.tuning.rows import Row
from recommender.tuning.teacher import rows as teacher_rows
from recommender.tuning.writing import write
from reviews.lessons import rows

HINTED = "hinted"


def all_rows(catalog: Catalog, *, guideline: str = "", hinted: bool = True) -> Iterator[Row]:
    """Every row to train on, streamed, in the same order each time.

    `hinted`: with traces that were right only after a hint, which named the answer.
    """
    of_people = rows.of_catalog(catalog, guideline=guideline)
    yield from (row for row in of_people if hinted or row.tag != HINTED)
    yield from teacher_rows.of_catalog(catalog, guideline=guideline)


def export(
    catalog: Catalog,
    folder: Path,
    *,
    formats: Sequence[Layout],
    guideline: str = "",
    hinted: bool = True,
    held_out: bool = False,
) -> dict[str, Any]:
    """Write a catalog's training sets and return the manifest. Raises writing.UnsafeTargetError.

    `held_out`: the traces that explanations are tested with, and nothing else.
    """
    found = (
        rows.of_catalog(catalog, guideline=guideline, held_out=True)
        if held_out
        else all_rows(catalog, guideline=guideline, hinted=hinted)
    )
    about = {"catalog": catalog.name} | ({"held_out": True} if held_out else {})
    return write(found, folder, formats=formats, about=about)
