"""How a version becomes active: what it had to show, on whom it was tried, and what it changed."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from recommender.models.backbones import BackboneVersion
from recommender.models.catalog import Catalog
from recommender.models.runs import Run
from recommender.models.serving import Recommendation


class Examination(Run):
    """One look at a version beside the active one: the job row, and once done what the gates said.

    `against`: the active version it was compared with; none where there was none. `gates`: promotion.gates.Gate as
    JSON. `outcome`: what came of `activate`, in words.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="examinations")
    version = models.ForeignKey(BackboneVersion, on_delete=models.CASCADE, related_name="examinations")
    against = models.ForeignKey(BackboneVersion, on_delete=models.SET_NULL, null=True, related_name="+")
    activate = models.BooleanField(default=False, help_text="Activate the version when all gates pass.")
    gates = models.JSONField(default=list)
    facts = models.JSONField(default=dict, help_text="What was measured on: end users, rows, seconds.")
    outcome = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "created_at"], name="examination_state")]

    def __str__(self) -> str:
        return f"examination {self.pk} of {self.version}"

    @property
    def not_passed(self) -> list[dict[str, object]]:
        return [gate for gate in self.gates if not gate["passed"]]


class ImpactReceipt(models.Model):
    """What a rebuild changed, against the version that was active then. Written once. `content`: promotion.receipts."""

    version = models.OneToOneField(BackboneVersion, on_delete=models.CASCADE, related_name="receipt")
    previous = models.ForeignKey(BackboneVersion, on_delete=models.SET_NULL, null=True, related_name="+")
    content = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"impact receipt of {self.version}"


class RolloutMode(models.TextChoices):
    SHADOW = "shadow", "shadow"
    CANARY = "canary", "canary"


class Rollout(models.Model):
    """A candidate tried on real requests. Append-only but for its end; a changed share is a new row, its salt the same.

    shadow: scored beside the active version for `share` of the requests, and not shown. canary: ranks for
    `share` of the end users, always the same ones for one salt.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="rollouts")
    version = models.ForeignKey(BackboneVersion, on_delete=models.PROTECT, related_name="rollouts")
    mode = models.CharField(max_length=6, choices=RolloutMode)
    share = models.FloatField()
    salt = models.CharField(max_length=32)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    end_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["catalog"], condition=Q(ended_at=None), name="rollout_one_per_catalog"),
            models.CheckConstraint(condition=Q(share__gt=0, share__lte=1), name="rollout_share_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"{self.mode} of {self.version}"


class ShadowSample(models.Model):
    """One request that the shadow answered too. `overlap`: the share of the served list that its own list has.

    `correlation`: Spearman's, of both rankings of the served items; none where there are too few. Milliseconds are
    those of ranking alone. `error`: why the shadow had no answer.
    """

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="samples")
    recommendation = models.OneToOneField(Recommendation, on_delete=models.CASCADE, related_name="shadow")
    overlap = models.FloatField(null=True)
    correlation = models.FloatField(null=True)
    active_ms = models.FloatField()
    shadow_ms = models.FloatField(null=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"shadow of {self.recommendation_id}"
