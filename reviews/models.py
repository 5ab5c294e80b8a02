"""Who decides, when and why: reviews, their slots, and the decisions people made."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from recommender.models import Round, Turn


class ReviewState(models.TextChoices):
    OPEN = "open", "open"  # waits for a decision
    AWAITING_ACTOR = "awaiting_actor", "awaiting the actor"  # overridden; opens again when the round rests
    DONE = "done", "done"


class Review(models.Model):
    """A round waiting for human eyes. `version` grows with every change; a submit that names an old one is stale."""

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="review")
    state = models.CharField(max_length=16, choices=ReviewState, default=ReviewState.OPEN)
    version = models.PositiveIntegerField(default=1)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "opened_at"], name="review_state_opened")]

    def __str__(self) -> str:
        return f"review {self.pk}"


class Slot(models.Model):
    """One required annotator's place in a review, and the lease on it: held until `lease_expires_at`."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="slots")
    number = models.PositiveSmallIntegerField(default=1)
    leased_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="slots")
    lease_token = models.CharField(max_length=32, blank=True)
    lease_expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["review", "number"], name="slot_number_unique_in_review")]
        indexes = [models.Index(fields=["leased_by", "lease_expires_at"], name="slot_lease")]

    def __str__(self) -> str:
        return f"slot {self.number} of review {self.review_id}"


class DecisionVerdict(models.TextChoices):
    APPROVE = "approve", "approve"
    EDIT = "edit", "edit"
    OVERRIDE = "override", "override"
    REJECT = "reject", "reject"


class Decision(models.Model):
    """What an annotator decided. Append-only.

    `turn`: the rationale that was shown as the proposal. `seen`: the review's version, the number of turns on the
    page and the proposal's hash. `made_turn`: the edit or override turn that this decision added.
    """

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="decisions")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="decisions")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    verdict = models.CharField(max_length=8, choices=DecisionVerdict)
    turn = models.ForeignKey(Turn, on_delete=models.PROTECT, related_name="decisions")
    made_turn = models.OneToOneField(Turn, on_delete=models.PROTECT, null=True, related_name="made_by")
    reason = models.TextField(blank=True)
    seen = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["approve", "reject"], made_turn=None)
                | Q(verdict__in=["edit", "override"], made_turn__isnull=False),
                name="decision_makes_a_turn_when_it_writes",
            )
        ]

    def __str__(self) -> str:
        return f"{self.verdict} of review {self.review_id}"
