"""Who decides, when and why: reviews, their slots, and the decisions people made."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from recommender.models import Account, Round, Turn
from reviews.choices import ReviewState, Verdict
from reviews.policy import Action, may

__all__ = ["Decision", "Review", "ReviewState", "Skip", "Slot", "Verdict"]


class ReviewQuerySet(models.QuerySet["Review"]):
    def visible_to(self, account: Account) -> Self:
        """The reviews an account may open: all of them for those who may see the queue, none for others."""
        return self if may(account.role, Action.SEE_QUEUE) else self.none()


class Review(models.Model):
    """A round waiting for human eyes. `version` grows with every change; a submit that names an old one is stale."""

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="review")
    state = models.CharField(max_length=16, choices=ReviewState, default=ReviewState.OPEN)
    version = models.PositiveIntegerField(default=1)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["state", "opened_at"], name="review_state_opened")]

    def __str__(self) -> str:
        return f"review {self.pk}"


class SlotQuerySet(models.QuerySet["Slot"]):
    def free(self, now: datetime) -> Self:
        """Held by nobody any more, in an open review."""
        unheld = Q(lease_expires_at=None) | Q(lease_expires_at__lte=now)
        return self.filter(unheld, review__state=ReviewState.OPEN)

    def held_by(self, account: Account, now: datetime) -> Self:
        return self.filter(leased_by=account, lease_expires_at__gt=now, review__state=ReviewState.OPEN)

    def not_skipped_by(self, account: Account, now: datetime) -> Self:
        skipped = Skip.objects.filter(account=account, until__gt=now, review=models.OuterRef("review"))
        return self.filter(~models.Exists(skipped))


class Slot(models.Model):
    """One required annotator's place in a review, and the lease on it: held until `lease_expires_at`."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="slots")
    number = models.PositiveSmallIntegerField(default=1)
    leased_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="slots")
    lease_token = models.CharField(max_length=32, blank=True)
    lease_expires_at = models.DateTimeField(null=True)

    objects = SlotQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["review", "number"], name="slot_number_unique_in_review")]
        indexes = [models.Index(fields=["leased_by", "lease_expires_at"], name="slot_lease")]

    def __str__(self) -> str:
        return f"slot {self.number} of review {self.review_id}"


class Skip(models.Model):
    """An annotator passed over a review: it is not offered to them again until `until`. Not a verdict."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="skips")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="skips")
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["review", "account"], name="skip_unique")]

    def __str__(self) -> str:
        return f"skip of review {self.review_id}"


class Decision(models.Model):
    """What an annotator decided. Append-only.

    `turn`: the rationale that was shown as the proposal. `seen`: the review's version, the number of turns on the
    page and the proposal's hash. `made_turn`: the edit or override turn that this decision added.
    """

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="decisions")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="decisions")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    verdict = models.CharField(max_length=8, choices=Verdict)
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
