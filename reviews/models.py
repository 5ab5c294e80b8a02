"""Who decides, when and why: reviews, their slots, and the decisions people made."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from recommender.accounts.visible import within
from recommender.models import Account, Catalog, Round, Turn
from reviews.choices import Concern, Kind, ReviewState, Verdict
from reviews.policy import Action, may

__all__ = ["Decision", "Guideline", "Review", "ReviewState", "Skip", "Slot", "Undone", "Unsent", "Verdict"]


LONGER_THAN_ANY_WAIT = 10**13  # ms; three hundred years


class ReviewQuerySet(models.QuerySet["Review"]):
    def visible_to(self, account: Account) -> Self:
        """The reviews an account may open: those of its catalogs for those who may see the queue, none for others."""
        return within(self, account) if may(account.role, Action.SEE_QUEUE) else self.none()


class Review(models.Model):
    """A round waiting for human eyes. `version` grows with every change; a submit that names an old one is stale.

    `place`: where it stands in the list of its state, so that every list is one walk along an index. Open ones: the
    gravest concern first, then the oldest, of what people objected to the oldest objection; decided ones by when that
    was. `catalog` and `kind` are the round's.
    """

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="review")
    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind)
    state = models.CharField(max_length=16, choices=ReviewState, default=ReviewState.OPEN)
    version = models.PositiveIntegerField(default=1)
    concern = models.PositiveSmallIntegerField(choices=Concern, default=Concern.NONE)
    concern_words = models.CharField(max_length=300, blank=True, help_text="What the evidence contradicts.")
    findings = models.JSONField(default=list, help_text="Places of its texts that the evidence contradicts, in words.")
    place = models.BigIntegerField()
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["state", "place"], name="review_state"),
            models.Index(fields=["state", "kind", "place"], name="review_state_kind"),
            models.Index(fields=["catalog", "state", "place"], name="review_catalog_state"),
            models.Index(fields=["catalog", "state", "kind", "place"], name="review_catalog_state_kind"),
        ]

    def __str__(self) -> str:
        return f"review {self.pk}"

    def place_now(self, *, since: datetime | None = None) -> int:
        """`place` as state, concern and moments are now: milliseconds, the open ones' after those of worse concern.

        `since`: of an open one, when what brings it first was said (room.first); else it comes by its own age.
        """
        if self.state == ReviewState.DONE and self.closed_at is not None:
            return int(self.closed_at.timestamp() * 1000)
        return Concern(self.concern).order * LONGER_THAN_ANY_WAIT + int((since or self.opened_at).timestamp() * 1000)


class SlotQuerySet(models.QuerySet["Slot"]):
    def visible_to(self, account: Account) -> Self:
        """Of the reviews that an account may open."""
        return within(self, account, at="review__catalog") if may(account.role, Action.SEE_QUEUE) else self.none()

    def free(self, now: datetime) -> Self:
        """Held by nobody any more, in an open review."""
        unheld = Q(lease_expires_at=None) | Q(lease_expires_at__lte=now)
        return self.filter(unheld, review__state=ReviewState.OPEN)

    def held_by(self, account: Account, now: datetime) -> Self:
        return self.filter(leased_by=account, lease_expires_at__gt=now, review__state=ReviewState.OPEN)

    def not_skipped_by(self, account: Account, now: datetime) -> Self:
        skipped = Skip.objects.filter(account=account, until__gt=now)
        return self.exclude(review_id__in=skipped.values("review_id"))

    def for_card(self) -> Self:
        """With all that a card shows of its review but the turns, in one query."""
        return self.select_related("review__round__catalog", "review__round__end_user", "review__round__item")


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
        indexes = [
            models.Index(fields=["leased_by", "lease_expires_at"], name="slot_lease"),
            models.Index(fields=["lease_expires_at"], name="slot_lease_end"),
        ]

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


class Attention(models.Model):
    """What the page measured while somebody decided; empty where there was no script to measure.

    `shown_at`: when the card was made. `active_ms`: how long they were at work on it. `scrolled`: the furthest part of
    the page that they saw, in percent. `device`: phone, tablet or desktop. `pressed`: key, mouse, touch or pen.
    `guideline`: the number of the guidelines that the card named.
    """

    shown_at = models.DateTimeField(null=True)
    active_ms = models.PositiveIntegerField(null=True)
    scrolled = models.PositiveSmallIntegerField(null=True)
    device = models.CharField(max_length=8, blank=True)
    pressed = models.CharField(max_length=8, blank=True)
    guideline = models.PositiveIntegerField(null=True)

    class Meta:
        abstract = True


class Decision(Attention):
    """What an annotator decided. Never changed; one that is undone makes way for an `Undone`.

    `turn`: the rationale that was shown as the proposal. `seen`: the review's version, the number of turns on the
    page and the proposal's hash. `made_turn`: the edit or override turn that this decision added. `effects`: what it
    changed elsewhere, for undoing it (room.undo).
    """

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="decisions")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="decisions")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False)
    verdict = models.CharField(max_length=8, choices=Verdict)
    turn = models.ForeignKey(Turn, on_delete=models.PROTECT, related_name="decisions")
    made_turn = models.OneToOneField(Turn, on_delete=models.PROTECT, null=True, related_name="made_by")
    reason = models.TextField(blank=True)
    seen = models.JSONField()
    effects = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["approve", "reject"], made_turn=None)
                | Q(verdict__in=["edit", "override"], made_turn__isnull=False),
                name="decision_makes_a_turn_when_it_writes",
            )
        ]
        indexes = [models.Index(fields=["account", "created_at"], name="decision_account_created")]

    def __str__(self) -> str:
        return f"{self.verdict} of review {self.review_id}"


class Undone(Attention):
    """A decision that its annotator took back, with what they had typed. Append-only."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="undone")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict)
    turn_index = models.PositiveSmallIntegerField(help_text="Of the rationale that was decided about.")
    judgement = models.CharField(max_length=16, blank=True)
    text = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    seen = models.JSONField()
    decided_at = models.DateTimeField()
    undone_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"undone {self.verdict} of review {self.review_id}"


class Unsent(models.Model):
    """Words that somebody typed into a card and has not sent. `field`: of the card's form."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="unsent")
    field = models.CharField(max_length=32)
    text = models.TextField()
    version = models.PositiveIntegerField(help_text="The review's when it was typed.")
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "review", "field"], name="unsent_unique")]

    def __str__(self) -> str:
        return f"unsent {self.field} for review {self.review_id}"


class Guideline(models.Model):
    """One version of what annotators go by. Append-only; the latest counts, and every decision names one."""

    number = models.PositiveIntegerField(unique=True)
    text = models.TextField()
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"guidelines {self.number}"
