"""Training runs and the backbone versions they make."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from recommender.models.catalog import Catalog
from recommender.models.knowledge import KnowledgeSnapshot
from recommender.models.runs import Run


class TrainingRun(Run):
    """One request to train a backbone."""

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="training_runs")
    config = models.JSONField(help_text="training.config.TrainConfig as JSON")
    activate = models.BooleanField(default=False, help_text="Activate the candidate when it is done.")

    class Meta:
        indexes = [models.Index(fields=["state", "created_at"], name="training_run_state")]

    def __str__(self) -> str:
        return f"training run {self.pk}"


class VersionState(models.TextChoices):
    CANDIDATE = "candidate", "candidate"
    ACTIVE = "active", "active"
    RETIRED = "retired", "retired"


class BackboneVersion(models.Model):
    """A trained backbone. Only its state changes; `artifact` names its folder under VAR_DIR/backbones."""

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="backbone_versions")
    number = models.PositiveIntegerField()
    run = models.OneToOneField(TrainingRun, on_delete=models.PROTECT, related_name="version")
    snapshot = models.ForeignKey(KnowledgeSnapshot, on_delete=models.PROTECT, related_name="backbone_versions")
    architecture = models.CharField(max_length=40)
    config = models.JSONField()
    metrics = models.JSONField()
    data_hash = models.CharField(max_length=64)
    artifact = models.CharField(max_length=200)
    manifest_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256; the manifest has the files' own.")
    catalog_changes = models.PositiveBigIntegerField(
        null=True, help_text="Catalog.changes when its training began: whether anything has come since."
    )
    drawn = models.PositiveSmallIntegerField(
        default=0,
        help_text="Items drawn as not liked for each like, because nobody said no (dataset.negatives); 0: none. Its "
        "scores are no probabilities of a like then.",
    )
    state = models.CharField(max_length=9, choices=VersionState, default=VersionState.CANDIDATE)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["catalog", "number"], name="backbone_number_unique"),
            models.UniqueConstraint(
                fields=["catalog"], condition=Q(state="active"), name="backbone_one_active_per_catalog"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.architecture} {self.number} of {self.catalog}"


class Activation(models.Model):
    """Append-only: which version took over from which, when, by whom. Rolling back reads the last row.

    `overridden`: gates as JSON that had not passed, and that `reason` was given for.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="activations")
    version = models.ForeignKey(BackboneVersion, on_delete=models.PROTECT, related_name="activations")
    previous = models.ForeignKey(BackboneVersion, on_delete=models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=9, choices=[("activate", "activate"), ("roll_back", "roll back")])
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True)
    overridden = models.JSONField(default=list)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"
