"""Evaluations: arms trained with several seeds and compared, and each single fit of them."""

from django.db import models

from recommender.models.catalog import Catalog
from recommender.models.knowledge import KnowledgeSnapshot
from recommender.models.runs import Run


class Evaluation(Run):
    """One request to compare arms. Every fit is stored when it is done, so that an interrupted one goes on.

    Its test labels, and each fit's predictions, are in the folder `artifacts.folder_of_evaluation` names.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="evaluations")
    config = models.JSONField(help_text="evaluation.arms.Study as JSON")
    snapshot = models.ForeignKey(KnowledgeSnapshot, on_delete=models.PROTECT, null=True, related_name="evaluations")
    facts = models.JSONField(default=dict, help_text="What was compared on: hashes, samples of each part, texts.")
    figures = models.JSONField(default=dict, help_text="evaluation.figures of the fits that are done.")

    class Meta:
        indexes = [models.Index(fields=["state", "created_at"], name="evaluation_state")]

    def __str__(self) -> str:
        return f"evaluation {self.pk}"


class EvaluationFit(models.Model):
    """One backbone trained as one arm with one seed."""

    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="fits")
    backbone = models.CharField(max_length=40)
    arm = models.CharField(max_length=40)
    seed = models.PositiveBigIntegerField()
    scores = models.JSONField(help_text="By history (streaming, frozen), then metric.")
    epochs = models.JSONField(help_text="training.observer.Epoch as JSON, one for each epoch.")
    fit = models.JSONField(help_text="training.loop.Fit as JSON, with seconds of everything.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["evaluation", "backbone", "arm", "seed"], name="evaluation_fit_unique")
        ]

    def __str__(self) -> str:
        return f"{self.backbone}, {self.arm}, seed {self.seed}"
