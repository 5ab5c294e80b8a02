"""Groups of a catalog's end users, as ThinkRec's experts have them."""

from django.db import models

from recommender.models.catalog import Catalog
from recommender.models.runs import Run


class Grouping(Run):
    """One request to make groups of a catalog's end users: the job row, and once done what was found.

    `artifact` names the file under VAR_DIR/groupings that holds vectors and who is in which group
    (`thinkrec.grouped`), `sha256` is its hash. No row and no file names anybody: there are numbers of rows only.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="groupings")
    config = models.JSONField(help_text="thinkrec.config.GroupingConfig as JSON")
    artifact = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    found = models.JSONField(default=dict, help_text="thinkrec.grouped.Found as JSON")

    class Meta:
        indexes = [models.Index(fields=["state", "created_at"], name="grouping_state")]

    def __str__(self) -> str:
        return f"grouping {self.pk}"
