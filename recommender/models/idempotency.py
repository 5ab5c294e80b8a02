"""Answers to requests that named an `Idempotency-Key`: the same request again gets the same answer."""

from django.db import models

from recommender.models.accounts import ApiToken


class IdempotencyKey(models.Model):
    """One request that writes. `fingerprint`: SHA-256 of its address and body; empty where its body did not come whole.

    `status`: null while it is under way, which is believed until `held_until`: its process may have ended.
    """

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, blank=True)
    status = models.PositiveSmallIntegerField(null=True)
    content_type = models.CharField(max_length=100, blank=True)
    content = models.TextField(blank=True)
    held_until = models.DateTimeField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="idempotency_key_unique")]

    def __str__(self) -> str:
        return f"{self.key} of {self.token}"
