"""Webhooks: who is told of what happens here, what there is to tell, and what became of telling it."""

import uuid

from django.conf import settings
from django.db import models

from recommender.models.catalog import Catalog, EndUser, Item

LONGEST_URL, LONGEST_DESCRIPTION, LONGEST_ANSWER, LONGEST_ERROR = 500, 200, 500, 300  # characters


class WebhookEvent(models.TextChoices):
    """What an endpoint may ask to be told of."""

    KNOWLEDGE_APPROVED = "knowledge.approved", "A text was approved"
    KNOWLEDGE_REVOKED = "knowledge.revoked", "A text is in force no more"
    MODEL_ACTIVATED = "model.activated", "A model was activated, or went back to"
    ROUND_RESTED = "round.rested", "The AI is done with a text"


PING = "webhook.ping"  # sent when somebody asks for it, whatever the endpoint is told of


class WebhookEndpoint(models.Model):
    """An address that is told of a catalog's events. `events`: of WebhookEvent.

    `secret`, `previous_secret`: encrypted (webhooks.signing); what is sent is signed with the previous one too until
    `previous_until`. `disabled_at`, `disabled_reason`: since when and why nothing is sent. `failing_since`: when the
    first attempt failed after the last that succeeded. `paused_until`: it asked not to be sent anything before. The
    lease is the worker's that sends to it now.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField(max_length=LONGEST_URL)
    description = models.CharField(max_length=LONGEST_DESCRIPTION, blank=True)
    events = models.JSONField(default=list)
    secret = models.CharField(max_length=255)
    previous_secret = models.CharField(max_length=255, blank=True)
    previous_until = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=LONGEST_ERROR, blank=True)
    failing_since = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_expires_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"webhook {self.pk} of {self.catalog}"


class WebhookMessage(models.Model):
    """The outbox: one thing that happened, written in its transaction. Append-only; an erasure removes it.

    `body`: the very text that is sent and signed, again and again. `end_user`, `item`: whom it is about, if anybody.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="+")
    type = models.CharField(max_length=40)
    body = models.TextField()
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, null=True, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.webhook_id

    @property
    def webhook_id(self) -> str:
        """What a receiver knows it by, however often it is sent."""
        return f"msg_{self.id.hex}"


class DeliveryState(models.TextChoices):
    PENDING = "pending", "waiting"
    DELIVERED = "delivered", "delivered"
    FAILED = "failed", "given up"


class WebhookDelivery(models.Model):
    """A message on its way to one endpoint. `attempts`: since `begun_at`, when it was written or asked for again."""

    message = models.ForeignKey(WebhookMessage, on_delete=models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    begun_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "endpoint"], name="webhook_delivery_unique")]
        indexes = [
            models.Index(fields=["endpoint", "state", "next_attempt_at"], name="webhook_delivery_due"),
            models.Index(fields=["endpoint", "-id"], name="webhook_delivery_log"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class WebhookAttempt(models.Model):
    """One request to an endpoint, and what came back. Append-only.

    `status`: of HTTP; null where none came, and `error` says why. `answer`: its first characters.
    """

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    duration_ms = models.PositiveIntegerField()
    answer = models.CharField(max_length=LONGEST_ANSWER, blank=True)
    error = models.CharField(max_length=LONGEST_ERROR, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"attempt {self.pk}: {self.status or self.error}"

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300
