"""What a teacher was asked to make training sets, and the adapters that were tuned on such sets."""

from django.db import models
from django.db.models import Q

from recommender.models.catalog import Catalog, EndUser, Interaction, Item
from recommender.models.rounds import ONE_SUBJECT, EndpointCall, SubjectKind
from recommender.models.runs import Run


class TeacherCase(models.Model):
    """One example of R4ec's construction: evidence and a target for the teacher, a label that it never sees.

    The stored calls are the state, as the turns of a round are: `tuning.teacher.questions.next_move` reads them.
    `outcome` is empty until they say what became of it (questions.Outcome).
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="teacher_cases")
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, null=True, related_name="teacher_cases")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, null=True, related_name="teacher_cases")
    target = models.ForeignKey(Interaction, on_delete=models.CASCADE, related_name="teacher_cases")
    as_of = models.BigIntegerField(help_text="Evidence is strictly before this moment, on the catalog's clock.")
    triple = models.JSONField(help_text="What the prompts show: tuning.triples.Triple.")
    label = models.BooleanField(help_text="Whether the target was liked; in no prompt.")
    outcome = models.CharField(max_length=12, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=ONE_SUBJECT, name="teacher_case_has_one_subject"),
            models.UniqueConstraint(fields=["target"], condition=Q(item=None), name="teacher_case_unique_end_user"),
            models.UniqueConstraint(fields=["target"], condition=Q(end_user=None), name="teacher_case_unique_item"),
        ]
        indexes = [models.Index(fields=["catalog", "outcome"], name="teacher_case_outcome")]

    def __str__(self) -> str:
        return f"teacher case {self.pk}"

    @property
    def subject_kind(self) -> SubjectKind:
        return SubjectKind.ITEM if self.item_id else SubjectKind.END_USER


class TeacherCall(EndpointCall):
    """A call about a case."""

    case = models.ForeignKey(TeacherCase, on_delete=models.CASCADE, related_name="calls")

    def __str__(self) -> str:
        return f"{self.step} call of {self.case_id}"


class TuningRun(Run):
    """One request to tune an adapter: the job row, and once done the adapter's entry in the registry.

    `artifact` names its folder under VAR_DIR/adapters: the adapter, its tokenizer, a manifest and the rows it saw.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="tuning_runs")
    role = models.CharField(max_length=10, help_text="actor or reflector")
    config = models.JSONField(help_text="tuning.config.TuneConfig as JSON")
    artifact = models.CharField(max_length=200, blank=True)
    metrics = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["state", "created_at"], name="tuning_run_state")]

    def __str__(self) -> str:
        return f"tuning run {self.pk}"

    @property
    def adapter_name(self) -> str:
        """What the adapter is called where it is served."""
        return f"{self.catalog.name}-{self.role}-{self.pk}"
