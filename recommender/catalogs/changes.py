"""Writing into a catalog that is being served: one writer at a time, and every process learns of it.

A process that has the catalog's items in memory compares `Catalog.changes`, which each request reads anyway, and then
reads only the rows that came since (serving.catalog_index). Because writers come one after another, later rows have
greater primary keys.
"""

from django.db.models import F

from recommender.models import Catalog


def lock(catalog: Catalog) -> None:
    """Wait for whoever writes, or erases, now; until the end of the transaction the others wait. Readers do not."""
    Catalog.objects.select_for_update(no_key=True).get(pk=catalog.pk)


def changed(catalog: Catalog) -> None:
    """Items or interactions came: the next request in every process has them."""
    Catalog.objects.filter(pk=catalog.pk).update(changes=F("changes") + 1)
