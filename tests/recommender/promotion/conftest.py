from collections.abc import Iterator

import pytest

from recommender.models import Catalog, VersionState
from recommender.serving import catalog_index
from tests.recommender.promotion.made import real_version
from tests.recommender.training import synthetic


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """Rolled-back tests use the same primary keys again."""
    yield
    catalog_index.KEPT.clear()


@pytest.fixture
def catalog(db: None) -> Catalog:
    return synthetic.in_database()


@pytest.fixture
def active(catalog: Catalog):
    return real_version(catalog, state=VersionState.ACTIVE)
