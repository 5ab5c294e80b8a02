from collections.abc import Iterator

import pytest

from recommender.artifacts import verified
from recommender.serving import catalog_index


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """Rolled-back tests use the same primary keys again."""
    yield
    verified.LOADED.clear()
    catalog_index.KEPT.clear()
