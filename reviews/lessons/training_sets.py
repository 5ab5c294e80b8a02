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


def all_rows(catalog: Catalog, *, guideline: str = "") -> Iterator[Row]:
    """Every row there is, streamed, in the same order each time."""
    yield from rows.of_catalog(catalog, guideline=guideline)
    yield from teacher_rows.of_catalog(catalog, guideline=guideline)


def export(catalog: Catalog, folder: Path, *, formats: Sequence[Layout], guideline: str = "") -> dict[str, Any]:
    """Write a catalog's training sets and return the manifest. Raises writing.UnsafeTargetError."""
    return write(all_rows(catalog, guideline=guideline), folder, formats=formats, about={"catalog": catalog.name})
