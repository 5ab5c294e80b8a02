"""The states of a review, why it comes first, and the verdicts of a decision."""

from django.db.models import IntegerChoices, TextChoices

from recommender.models import Round


class ReviewState(TextChoices):
    OPEN = "open", "open"  # waits for a decision
    AWAITING_ACTOR = "awaiting_actor", "awaiting the actor"  # overridden; opens again when the round rests
    DONE = "done", "done"


class Kind(TextChoices):
    """What a text is about, or for: the queue can be narrowed to one. Of knowledge, the subject's kind."""

    END_USER = "end_user", "Users"
    ITEM = "item", "Items"
    KEYWORDS = "keywords", "Keywords of items"
    TRACE = "trace", "Reasons for Yes or No"


def kind_of(round_: Round) -> str:
    """The kind of a round's review."""
    return str(round_.subject_kind if round_.is_for_knowledge else round_.strategy)


class Concern(IntegerChoices):
    """Why a person should read a text soon."""

    NOT_PASSED = 0, "no attempt passed the AI check"
    CONTRADICTED = 1, "the evidence says otherwise"
    NONE = 2, "passed the AI check"
    DISPUTED = 3, "a user says it is wrong"
    SAID = 4, "its user says something of themself"

    @property
    def order(self) -> int:
        """When it comes: the gravest has the least."""
        return -1 if self in (Concern.DISPUTED, Concern.SAID) else int(self)


class Verdict(TextChoices):
    APPROVE = "approve", "approve"
    EDIT = "edit", "edit"
    OVERRIDE = "override", "override"
    REJECT = "reject", "reject"
