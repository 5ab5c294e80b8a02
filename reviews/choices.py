"""The states of a review and the verdicts of a decision."""

from django.db.models import TextChoices


class ReviewState(TextChoices):
    OPEN = "open", "open"  # waits for a decision
    AWAITING_ACTOR = "awaiting_actor", "awaiting the actor"  # overridden; opens again when the round rests
    DONE = "done", "done"


class Verdict(TextChoices):
    APPROVE = "approve", "approve"
    EDIT = "edit", "edit"
    OVERRIDE = "override", "override"
    REJECT = "reject", "reject"
