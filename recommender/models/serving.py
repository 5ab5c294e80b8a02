"""What was recommended, to whom, from what: the serving log."""

import uuid

from django.db import models

from recommender.models.accounts import ApiToken
from recommender.models.backbones import BackboneVersion
from recommender.models.catalog import Catalog, EndUser


class Recommendation(models.Model):
    """One served list, or a page of it. `items`: [{"item_id", "title", "rank", "score", …}] in the order served.

    `source` names the rung of the ladder that answered; when it was not the best one, `degraded_reason` says why.
    `explain`, `min_review`: what was asked for; empty in rows of releases that kept no reasons. `about` and the rest of
    an item's entry: the reasons without their texts, which turns and statements have (serving.remembered).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="recommendations")
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, related_name="recommendations")
    backbone = models.ForeignKey(BackboneVersion, on_delete=models.PROTECT, null=True)
    source = models.CharField(max_length=20)
    degraded_reason = models.CharField(max_length=300, blank=True)
    degraded_code = models.CharField(max_length=40, blank=True)
    scenario = models.CharField(max_length=20, blank=True)
    as_of = models.BigIntegerField(null=True, help_text="The moment that was asked for; null: now.")
    explain = models.CharField(max_length=5, blank=True)
    min_review = models.CharField(max_length=8, blank=True)
    about = models.JSONField(default=dict, blank=True, help_text="The text about the end user, without its words.")
    items = models.JSONField()
    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["end_user", "-created_at"], name="recommendation_end_user"),
            models.Index(fields=["created_at"], name="recommendation_created"),
        ]

    def __str__(self) -> str:
        return str(self.id)
