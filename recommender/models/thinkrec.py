"""What was asked of ThinkRec's tuning, and what came of it."""

from django.db import models

from recommender.models.catalog import Catalog
from recommender.models.groupings import Grouping
from recommender.models.runs import Run


class ThinkrecRun(Run):
    """One request to tune ThinkRec's stages: the job row, and once done the entry of what was tuned in the registry.

    `artifact` names its folder under VAR_DIR/thinkrec: adapters, projector and their hashes, and nobody's data.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="thinkrec_runs")
    config = models.JSONField(help_text="thinkrec.config.ThinkrecConfig as JSON")
    after = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="later", help_text="Whose global adapter it takes."
    )
    grouping = models.ForeignKey(
        Grouping, on_delete=models.SET_NULL, null=True, related_name="+", help_text="Whose vectors and groups it took."
    )
    artifact = models.CharField(max_length=200, blank=True)
    metrics = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["state", "created_at"], name="thinkrec_run_state")]

    def __str__(self) -> str:
        return f"ThinkRec tuning {self.pk}"

    @property
    def adapter_name(self) -> str:
        """What its global adapter is called where it is served."""
        return f"{self.catalog.name}-thinkrec-{self.pk}"
