"""What every long computation of a training worker has in common: its job row."""

import math

from django.conf import settings
from django.db import models


class RunState(models.TextChoices):
    WAITING = "waiting", "waiting"
    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


class Run(models.Model):
    """One request, and how far it is. `progress` is what the browser shows; runs.leases holds the lease's rules."""

    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    state = models.CharField(max_length=9, choices=RunState, default=RunState.WAITING)
    progress = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def minutes_left(self) -> int | None:
        """At most; None where that is not known, or nothing is left."""
        seconds = None if self.finished_at else self.progress.get("seconds_left")
        return None if seconds is None else math.ceil(seconds / 60)
