"""The states of a review, why it comes first, and the verdicts of a decision."""

from django.db.models import IntegerChoices, TextChoices


class ReviewState(TextChoices):
    OPEN = "open", "open"  # waits for a decision
    AWAITING_ACTOR = "awaiting_actor", "awaiting the actor"  # overridden; opens again when the round rests
    DONE = "done", "done"


class Concern(IntegerChoices):
    """Why a person should read a text soon: the worst first."""

    NOT_PASSED = 0, "no attempt passed the AI check"
    CONTRADICTED = 1, "the evidence says otherwise"
    NONE = 2, "passed the AI check"


class Verdict(TextChoices):
    APPROVE = "approve", "approve"
    EDIT = "edit", "edit"
    OVERRIDE = "override", "override"
    REJECT = "reject", "reject"
