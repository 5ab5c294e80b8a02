"""What was recommended, to whom, from what: the serving log."""

import uuid

from django.db import models

from recommender.models.accounts import ApiToken
from recommender.models.backbones import BackboneVersion
from recommender.models.catalog import Catalog, EndUser


class Recommendation(models.Model):
    """One served list. `items`: [{"item_id", "rank", "score"}] in the order served.

    `source` names the rung of the ladder that answered; when it was not the best one, `degraded_reason` says why.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="recommendations")
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, related_name="recommendations")
    backbone = models.ForeignKey(BackboneVersion, on_delete=models.PROTECT, null=True)
    source = models.CharField(max_length=20)
    degraded_reason = models.CharField(max_length=300, blank=True)
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
