"""What a process reads of a catalog only now and then: its index, its aspects and its texts' vectors."""

from recommender.models import Catalog
from recommender.serving import catalog_index, vectors
from recommender.statements import aspects


def of(catalog: Catalog) -> tuple[object, ...]:
    """As it is kept now: other objects once it was read again."""
    return tuple(known for known, _ in standing(catalog))


def standing(catalog: Catalog) -> list[tuple[object, float]]:
    """The same, each with the time by `time.monotonic` until which it is used (ProcessCache.standing)."""
    key = (catalog.pk, catalog.created_at, catalog.erasures)
    return [catalog_index.KEPT.standing(key), aspects.standing(catalog), vectors.KEPT.standing(key)]
