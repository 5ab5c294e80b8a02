"""Experiments: which variant of serving an end user gets, told by chance, and what became of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from recommender.models.catalog import Catalog


class ExperimentKind(models.TextChoices):
    BETWEEN = "between", "each user gets one variant"
    INTERLEAVED = "interleaved", "each list mixes both variants"


class ExperimentState(models.TextChoices):
    DRAFT = "draft", "draft"
    RUNNING = "running", "running"
    STOPPED = "stopped", "stopped"


class Metric(models.TextChoices):
    """What is measured of an end user: `recommender.experiments.units` says how."""

    CLICKING = "clicking", "users who click"
    CLICKED_LISTS = "clicked_lists", "lists that are clicked"
    LIKING = "liking", "users who like an item"
    BUYING = "buying", "users who buy an item"
    RATING = "rating", "mean rating"
    HELPFUL = "helpful", "reasons called helpful"


class HoldoutSource(models.TextChoices):
    POPULAR = "popular", "the popular items"
    NEWEST = "newest", "the newest items"


class Experiment(models.Model):
    """One experiment of a catalog. What it compares never changes: it is started and stopped, each once.

    `scenario`: empty for all. `variants`: serving.variants.Variant as JSON, the first is what the others are compared
    with. `holdout`: the share of end users whose lists are not personal. `window_hours`: how long an end user is
    observed from the first list on. `planned`: end users at which the intervals are to be tightest. `smallest_lift`:
    the smallest relative difference worth knowing of. `salt`: of the assignment.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="experiments")
    key = models.SlugField(max_length=60)
    scenario = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=11, choices=ExperimentKind, default=ExperimentKind.BETWEEN)
    state = models.CharField(max_length=7, choices=ExperimentState, default=ExperimentState.DRAFT)
    variants = models.JSONField()
    primary = models.CharField(max_length=13, choices=Metric, default=Metric.CLICKING)
    window_hours = models.PositiveIntegerField(default=24)
    planned = models.PositiveIntegerField(default=2000)
    smallest_lift = models.FloatField(default=0.05)
    holdout = models.FloatField(default=0.0)
    holdout_source = models.CharField(max_length=7, choices=HoldoutSource, default=HoldoutSource.POPULAR)
    salt = models.CharField(max_length=32)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    started_at = models.DateTimeField(null=True)
    stopped_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    stopped_at = models.DateTimeField(null=True)
    stop_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["catalog", "key"], name="experiment_key_unique"),
            models.UniqueConstraint(
                fields=["catalog", "scenario"], condition=Q(state="running"), name="experiment_one_running"
            ),
            models.CheckConstraint(condition=Q(holdout__gte=0, holdout__lt=1), name="experiment_holdout_is_a_share"),
            models.CheckConstraint(
                condition=Q(state="draft", started_at=None, stopped_at=None)
                | Q(state="running", started_at__isnull=False, stopped_at=None)
                | Q(state="stopped", started_at__isnull=False, stopped_at__isnull=False),
                name="experiment_state_and_times",
            ),
        ]

    def __str__(self) -> str:
        return self.key
