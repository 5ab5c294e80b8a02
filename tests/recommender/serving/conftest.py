from collections.abc import Iterator

import pytest

from recommender.artifacts import verified
from recommender.models import Catalog, EndUser
from recommender.serving import catalog_index
from tests.recommender.serving.ranked import ranked_catalog


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """Rolled-back tests use the same primary keys again: nothing loaded may outlive its test."""
    yield
    verified.LOADED.clear()
    catalog_index.KEPT.clear()


@pytest.fixture
def ranked(db: None) -> Catalog:
    return ranked_catalog()


@pytest.fixture
def reader(ranked: Catalog) -> EndUser:
    """u000, with a history of 24 films; 16 are left."""
    return ranked.end_users.select_related("catalog").get(external_id="u000")
