"""How served models do, counted: by the hour for pages, and each person once for what guards decide by."""

from django.db import models
from django.db.models import Q

from recommender.models.backbones import BackboneVersion
from recommender.models.catalog import Catalog, EndUser
from recommender.models.promotion import Rollout


class GuardProgress(models.Model):
    """Until when a catalog's lists and events are counted. Whoever counts moves it by compare-and-set."""

    catalog = models.OneToOneField(Catalog, on_delete=models.CASCADE, related_name="guard_progress")
    counted_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.catalog} until {self.counted_until}"


class ServedHour(models.Model):
    """What was served in one hour (UTC) while a version was active, or to the people of its canary.

    `counts`: guards.tallies.Counts as JSON; `items`: how many lists had an item, by its primary key.
    """

    version = models.ForeignKey(BackboneVersion, on_delete=models.CASCADE, related_name="served_hours", db_index=False)
    is_canary = models.BooleanField()
    hour = models.DateTimeField()
    counts = models.JSONField()
    items = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "is_canary", "hour"], name="served_hour_unique")]
        indexes = [models.Index(fields=["hour"], name="served_hour")]

    def __str__(self) -> str:
        return f"{self.version} in the hour of {self.hour}"


class WatchOutcome(models.TextChoices):
    WATCHED = "", "watched"
    PASSED = "passed", "passed"
    BROKEN = "broken", "broken"


class Watch(models.Model):
    """One stretch in which a version is held against its guards: a canary, or a day (UTC) of the active version.

    `against`: the version beside it, or for the active one the version before it. `settings`: guards.settings as they
    were at its start. `level`: by how much of a chance any of its guards may be wrong. `sums`: guards.tallies.Side as
    JSON, `tried` and `reference`. `judged`: guards.judging.Judged as JSON, of the last look. `said`: what came of it.
    """

    version = models.ForeignKey(BackboneVersion, on_delete=models.CASCADE, related_name="watches")
    against = models.ForeignKey(BackboneVersion, on_delete=models.SET_NULL, null=True, related_name="+")
    rollout = models.OneToOneField(Rollout, on_delete=models.CASCADE, null=True, related_name="watch")
    day = models.DateField(null=True)
    settings = models.JSONField()
    level = models.FloatField()
    sums = models.JSONField(default=dict)
    judged = models.JSONField(default=list)
    outcome = models.CharField(max_length=6, choices=WatchOutcome, default=WatchOutcome.WATCHED, blank=True)
    said = models.TextField(blank=True)
    started_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True, help_text="Nothing more is counted or decided.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "day"], condition=Q(rollout=None), name="watch_one_a_day"),
            models.CheckConstraint(condition=Q(rollout=None) ^ Q(day=None), name="watch_of_a_canary_or_a_day"),
        ]
        indexes = [models.Index(fields=["closed_at"], name="watch_open")]

    def __str__(self) -> str:
        return f"watch {self.pk} of {self.version}"

    @property
    def is_canary(self) -> bool:
        return self.rollout_id is not None


class WatchedList(models.Model):
    """A person's first list in a watch, the only one that its guards count. Gone once the watch is closed.

    `tried`: by the watched version, not by the one beside it. `clicked`: an item of it was opened in time.
    """

    watch = models.ForeignKey(Watch, on_delete=models.CASCADE, related_name="lists", db_index=False)
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, related_name="watched_lists")
    recommendation = models.UUIDField(db_index=True)
    tried = models.BooleanField()
    at = models.DateTimeField()
    clicked = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["watch", "end_user"], name="watched_list_one_a_person")]
        indexes = [models.Index(fields=["watch", "at"], name="watched_list_at")]

    def __str__(self) -> str:
        return f"{self.recommendation} in {self.watch_id}"
