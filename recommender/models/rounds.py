"""Rounds and their turns: what the actor wrote, what the reflector and people judged, and what every call cost.

A round is resumable because its stored turns *are* its state: `rounds.core.loop` reads them and says what
comes next. `unique(round, index)` makes a step that ran twice fail instead of count twice.
"""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from recommender.models.catalog import Catalog, EndUser, Item


class SubjectKind(models.TextChoices):
    END_USER = "end_user", "end user"
    ITEM = "item", "item"


ONE_SUBJECT = Q(end_user__isnull=False, item__isnull=True) | Q(end_user__isnull=True, item__isnull=False)


class Strategy(models.TextChoices):
    """R4ec's two inference strategies, whose texts become knowledge, and what ThinkRec asks for (docs/methods.md)."""

    REFINE = "refine", "iterative refinement"
    FILTER = "filter", "reflection as a filter"
    KEYWORDS = "keywords", "keywords of an item"
    TRACE = "trace", "thinking trace"


FOR_KNOWLEDGE = (Strategy.REFINE, Strategy.FILTER)


class ListedBy(models.TextChoices):
    """Who lists what a text states, beside the reader, which reads every text."""

    NOBODY = "nobody", "the app reads it"
    WITH_TEXT = "with_text", "the AI, with its text"
    AFTERWARDS = "afterwards", "the AI, asked afterwards"


class RoundBatch(models.Model):
    """One request to open rounds: the job row whose progress people watch."""

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="round_batches")
    subjects = models.CharField(max_length=16, help_text="end-users, items or all")
    window = models.CharField(max_length=8, blank=True, help_text="selectors.evidence.WindowName; empty: not recorded")
    strategy = models.CharField(max_length=8, choices=Strategy, default=Strategy.REFINE)
    low_activity_count = models.PositiveIntegerField(
        default=0, help_text="End users left out because they have too few interactions."
    )
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    tokens = models.PositiveBigIntegerField(default=0, help_text="What its calls cost so far, read and written.")
    most_tokens = models.PositiveBigIntegerField(null=True, help_text="It stops once they cost so much; null: never.")
    paused_at = models.DateTimeField(null=True, help_text="Since when nobody asks; null: it is not paused.")

    def __str__(self) -> str:
        return f"batch {self.pk} of {self.catalog}"


class RoundState(models.TextChoices):
    WAITING = "waiting", "waiting"  # for a worker
    ASKING = "asking", "asking"  # a worker holds the lease
    RESTING = "resting", "resting"  # done for now; `rest_reason` says why
    FAILED = "failed", "failed"  # a permanent error, in `error`; can be retried by hand


class RestReason(models.TextChoices):
    REASONABLE = "reasonable", "judged reasonable"
    BUDGET = "budget", "budget spent"
    UNCHANGED = "unchanged", "refinement changed nothing"
    OSCILLATING = "oscillating", "refinement returned to an earlier text"
    MALFORMED = "malformed", "answers could not be read"
    CANCELLED = "cancelled", "cancelled"
    EDITED = "edited", "a person wrote the text"
    KEPT = "kept", "drafts kept"
    ALL_REJECTED = "all_rejected", "every draft judged not reasonable"
    ERASED = "erased", "its subject was erased"
    CHECKED = "checked", "checked against its source"
    WRONG = "wrong", "answer stayed wrong"


class RoundQuerySet(models.QuerySet["Round"]):
    def for_knowledge(self) -> Self:
        """Those whose texts become knowledge: all but keywords and traces."""
        return self.filter(strategy__in=FOR_KNOWLEDGE)


class Round(models.Model):
    """All turns about one subject as of one moment, by one strategy."""

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="rounds")
    batch = models.ForeignKey(RoundBatch, on_delete=models.SET_NULL, null=True, related_name="rounds")
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, null=True, related_name="rounds")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, null=True, related_name="rounds")
    as_of = models.BigIntegerField(help_text="Evidence is strictly before this moment, on the catalog's clock.")
    evidence = models.JSONField(help_text="What the prompts showed: reasoning.types.Subject, frozen when opened.")
    strategy = models.CharField(max_length=8, choices=Strategy, default=Strategy.REFINE)
    refinements_allowed = models.PositiveSmallIntegerField()
    drafts_wanted = models.PositiveSmallIntegerField(default=1, help_text="First drafts; above 1 only to be filtered.")
    listed_by = models.CharField(max_length=10, choices=ListedBy, default=ListedBy.NOBODY)

    state = models.CharField(max_length=8, choices=RoundState, default=RoundState.WAITING)
    rest_reason = models.CharField(max_length=12, choices=RestReason, blank=True)
    rejected_index = models.PositiveSmallIntegerField(
        null=True, help_text="The turn that people rejected when it was the proposal: it is no reason to show anybody."
    )
    approved_index = models.PositiveSmallIntegerField(
        null=True, help_text="Of keywords and traces, which are no knowledge: the turn that people approved."
    )
    held_out = models.BooleanField(
        default=False, help_text="A trace that explanations are tested with: in no training set."
    )
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Transient failures in a row.")
    next_attempt_at = models.DateTimeField(help_text="Not before; grows with transient failures.")
    lease_token = models.CharField(max_length=32, blank=True)
    lease_expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    rested_at = models.DateTimeField(null=True)
    redacted_at = models.DateTimeField(
        null=True, help_text="Since when something erased is missing from its evidence and calls."
    )

    objects = RoundQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=ONE_SUBJECT, name="round_has_one_subject"),
            models.UniqueConstraint(
                fields=["end_user", "as_of", "strategy"], condition=Q(item=None), name="round_unique_end_user"
            ),
            models.UniqueConstraint(
                fields=["item", "as_of", "strategy"], condition=Q(end_user=None), name="round_unique_item"
            ),
            models.CheckConstraint(
                condition=Q(strategy=Strategy.FILTER) | Q(drafts_wanted=1), name="round_drafts_only_to_filter"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "next_attempt_at"], name="round_state_next_attempt"),
            models.Index(fields=["batch", "state"], name="round_batch_state"),
            models.Index(fields=["catalog", "state"], name="round_catalog_state"),
        ]

    def __str__(self) -> str:
        return f"round {self.pk}"

    @property
    def is_for_knowledge(self) -> bool:
        return self.strategy in FOR_KNOWLEDGE

    @property
    def subject_kind(self) -> SubjectKind:
        return SubjectKind.ITEM if self.item_id else SubjectKind.END_USER

    @property
    def subject_id(self) -> int:
        found = self.end_user_id or self.item_id
        assert found is not None, "a database constraint gives every round one subject"
        return found

    @property
    def subject(self) -> EndUser | Item:
        subject = self.item or self.end_user
        assert subject is not None, "a database constraint gives every round one subject"
        return subject


class TurnKind(models.TextChoices):
    REASON = "reason", "rationale"  # by the actor
    REFINE = "refine", "refinement"  # by the actor, from a rationale and a critique
    EDIT = "edit", "edit"  # a human's text
    REFLECT = "reflect", "reflection"  # by the reflector
    OVERRIDE = "override", "override"  # a human reflection that replaces the reflector's


RATIONALES = (TurnKind.REASON, TurnKind.REFINE, TurnKind.EDIT)
REFLECTIONS = (TurnKind.REFLECT, TurnKind.OVERRIDE)


class Judgement(models.TextChoices):
    REASONABLE = "reasonable", "reasonable"
    NOT_REASONABLE = "not_reasonable", "not reasonable"


class Turn(models.Model):
    """One rationale (reason, refine, edit) or one reflection (reflect, override). Never changed once written.

    `about`: for a reflection, the rationale it judges; for a refinement or edit, the rationale it was made from.
    `text`: the rationale, or the reflection's critique (empty when reasonable).
    """

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="turns")
    index = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=TurnKind)
    text = models.TextField(blank=True)
    text_hash = models.CharField(max_length=64, help_text="SHA-256 of text, hexadecimal.")
    verdict = models.CharField(max_length=16, choices=Judgement, blank=True)
    about = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="followers")
    call = models.OneToOneField("LlmCall", on_delete=models.PROTECT, null=True, related_name="turn")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    reader = models.PositiveSmallIntegerField(
        null=True,
        help_text="The release of the reader that found a rationale's statements (statements.releases); null: not read "
        "yet.",
    )

    listed = models.JSONField(
        null=True,
        help_text="What the actor says that its text states: by (ListedBy), statements (rounds.core.listed), and error "
        "where its answer could not be read; null: not asked.",
    )

    class Meta:
        ordering = ["round", "index"]
        constraints = [
            models.UniqueConstraint(fields=["round", "index"], name="turn_index_unique_in_round"),
            models.CheckConstraint(
                condition=(Q(kind__in=REFLECTIONS) & ~Q(verdict="")) | (Q(kind__in=RATIONALES) & Q(verdict="")),
                name="turn_verdict_only_on_reflections",
            ),
            models.CheckConstraint(condition=Q(kind=TurnKind.REASON) | Q(about__isnull=False), name="turn_has_about"),
        ]
        indexes = [
            models.Index(fields=["reader", "id"], condition=Q(kind__in=RATIONALES), name="turn_reader"),
        ]

    def __str__(self) -> str:
        return f"turn {self.index} of round {self.round_id}"

    @property
    def is_rationale(self) -> bool:
        return self.kind in RATIONALES


class EndpointCall(models.Model):
    """One question to an endpoint and what came back, good or bad."""

    role = models.CharField(max_length=10, help_text="actor, reflector or teacher")
    step = models.CharField(max_length=8, help_text="reason, reflect, refine or list")
    prompt_name = models.CharField(max_length=60)
    prompt_hash = models.CharField(max_length=64)
    messages = models.JSONField()
    model = models.CharField(max_length=200)
    base_url = models.CharField(max_length=300)
    parameters = models.JSONField()
    answer = models.TextField(blank=True)
    error_kind = models.CharField(max_length=20, blank=True, help_text="empty, malformed, transient or permanent")
    error = models.TextField(blank=True)
    request_id = models.CharField(max_length=200, blank=True)
    prompt_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(
        default=0, help_text="Of prompt_tokens, those that the endpoint says it had read before."
    )
    completion_tokens = models.PositiveIntegerField(default=0)
    latency_ms = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True

    def forget(self) -> None:
        """Keep what it cost, and nothing of what was said."""
        self.messages, self.answer, self.error, self.request_id = [], "", "", ""


class LlmCall(EndpointCall):
    """A call of a round."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="calls")
    turn_index = models.PositiveSmallIntegerField(help_text="The turn this call was to become, or is about.")

    class Meta:
        indexes = [models.Index(fields=["round", "turn_index"], name="llm_call_round_turn")]

    def __str__(self) -> str:
        return f"{self.step} call of round {self.round_id}"
