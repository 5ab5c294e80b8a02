"""Trainings that start by themselves."""

from django.db import models
from django.db.models import Q

from recommender.models.backbones import TrainingRun
from recommender.models.catalog import Catalog


class RebuildReason(models.TextChoices):
    TEXTS = "texts", "new texts were approved"
    SCHEDULE = "schedule", "its time had come"
    AGAIN = "again", "the one before had failed"


class Rebuild(models.Model):
    """A training that the schedule started, or left out. `slot`: the local day that it stands for; no day has two.

    `run`: none where it was left out. `outcome`: why, or what came of the version; empty while that is open.
    `settings`: rebuilds.settings as they were.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="rebuilds")
    reason = models.CharField(max_length=8, choices=RebuildReason)
    slot = models.CharField(max_length=10, blank=True)
    run = models.OneToOneField(TrainingRun, on_delete=models.CASCADE, null=True, related_name="rebuild")
    settings = models.JSONField()
    outcome = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["catalog", "slot"], condition=~Q(slot=""), name="rebuild_one_a_slot")
        ]

    def __str__(self) -> str:
        return f"rebuild {self.pk} of {self.catalog}"
