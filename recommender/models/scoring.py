"""ThinkRec's precomputed lists, and the runs that make them."""

from django.db import models

from recommender.models.backbones import BackboneVersion
from recommender.models.catalog import Catalog, EndUser
from recommender.models.knowledge import Knowledge
from recommender.models.runs import Run


class ScoringRun(Run):
    """One request to have an LLM score: the first items of a backbone's lists, or ratings, to see how well it does.

    Every list is stored when it is made, so that an interrupted run goes on. An evaluation stores figures alone.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="scoring_runs")
    config = models.JSONField(help_text="thinkrec.config.ScoringConfig as JSON")
    metrics = models.JSONField(default=dict, help_text="model, calibration, measures, and what it cost.")

    class Meta:
        indexes = [models.Index(fields=["state", "created_at"], name="scoring_run_state")]

    def __str__(self) -> str:
        return f"scoring run {self.pk}"

    @property
    def is_evaluation(self) -> bool:
        """Whether its config is thinkrec.evaluation.config.EvaluationConfig: it has a part of the split."""
        return "part" in self.config


class ScoredList(models.Model):
    """The latest list of one end user: a backbone's first items in the order of an LLM's scores.

    `items`: [thinkrec.lists.ScoredItem as JSON], the best first, those without a score last. `history_hash`: of the
    history that it was made from (thinkrec.lists.history_hash). `knowledge`: the approved text that the prompt showed;
    None where there was none, or `with_preference` is False. `experts`: which adapters of a tuned model scored it
    (thinkrec.experts.acting.Acting as JSON); None: no tuned model did.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="scored_lists")
    end_user = models.OneToOneField(EndUser, on_delete=models.CASCADE, related_name="scored_list")
    run = models.ForeignKey(ScoringRun, on_delete=models.CASCADE, related_name="lists")
    backbone = models.ForeignKey(BackboneVersion, on_delete=models.PROTECT, related_name="+")
    knowledge = models.ForeignKey(Knowledge, on_delete=models.SET_NULL, null=True, related_name="+")
    with_preference = models.BooleanField(default=False)
    model = models.CharField(max_length=200)
    prompt = models.CharField(max_length=60)
    prompt_hash = models.CharField(max_length=64)
    history_hash = models.CharField(max_length=64)
    as_of = models.BigIntegerField(help_text="Just after the last interaction it knows, on the catalog's clock.")
    experts = models.JSONField(null=True)
    items = models.JSONField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"scored list of {self.end_user_id}"
