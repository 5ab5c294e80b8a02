from collections.abc import Iterator

import pytest

from recommender.experiments import results
from recommender.serving import catalog_index, segments, variants


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """Rolled-back tests use the same primary keys again: nothing kept may outlive its test."""
    yield
    for kept in (variants.KEPT, results.KEPT, catalog_index.KEPT, segments.COMMON, segments.KEPT):
        kept.clear()
