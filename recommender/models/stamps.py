"""What processes compare to know whether what they keep of a catalog is still so."""

from django.db import models

from recommender.models.catalog import Catalog


class CatalogStamp(models.Model):
    """Random numbers that the database draws anew with whatever is written (stamps.triggers): equal ones, equal rows.

    Random and not counted, so that a database that was restored repeats none. A catalog without a row here is one of
    which nothing is kept.
    """

    catalog = models.OneToOneField(Catalog, on_delete=models.CASCADE, primary_key=True, related_name="stamp")
    items = models.BigIntegerField(help_text="Its items.")
    versions = models.BigIntegerField(help_text="Its backbone versions and their rollouts.")
    said = models.BigIntegerField(help_text="Knowledge, snapshots of it, statements, and lists that an LLM scored.")
    rounds = models.BigIntegerField(help_text="Rounds, their turns, and disputes.")

    def __str__(self) -> str:
        return f"stamp of {self.catalog_id}"
