"""ThinkRec's precomputed lists, and the runs that make them."""

from django.db import models

from recommender.models.backbones import BackboneVersion
from recommender.models.catalog import Catalog, EndUser, Item
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

    @property
    def scorer(self) -> str:
        """As of ScoredRating; empty where its run knows none."""
        return str(self.run.metrics.get("scorer", ""))


class ScoredRating(models.Model):
    """What a model answered about an item that somebody rated later, as lists are scored: for the signal llm_scores.

    Only ratings of the valid and test parts have any, so no model was tuned on them. `scorer`: which model was asked,
    how, and for which split (thinkrec.scoring.config.scorer_key); two runs of one scorer share its answers.
    """

    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, related_name="scored_ratings")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    run = models.ForeignKey(ScoringRun, on_delete=models.CASCADE, related_name="ratings")
    scorer = models.CharField(max_length=64)
    as_of = models.BigIntegerField(help_text="It knows only what happened before, and counts from then on.")
    score = models.FloatField(help_text="Before any calibration: log-odds of Yes, or the logit of Yes alone.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scorer", "end_user", "item", "as_of"], name="scored_rating_once")
        ]

    def __str__(self) -> str:
        return f"score of {self.item_id} for {self.end_user_id}"
