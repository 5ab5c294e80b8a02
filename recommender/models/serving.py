"""What was recommended, to whom, from what: the serving log. What the business wants of lists: rules."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from recommender.models.accounts import ApiToken
from recommender.models.backbones import BackboneVersion
from recommender.models.catalog import Catalog, EndUser, Item


class Recommendation(models.Model):
    """One served list. `items`: [{"item_id", "rank", "score"}] in the order served.

    `source` names the rung of the ladder that answered; when it was not the best one, `degraded_reason` says why.
    `end_user`: none where the list was for somebody the catalog has no row of; nothing is kept of who that was.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="recommendations")
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, null=True, related_name="recommendations")
    backbone = models.ForeignKey(BackboneVersion, on_delete=models.PROTECT, null=True)
    source = models.CharField(max_length=20)
    degraded_reason = models.CharField(max_length=300, blank=True)
    degraded_code = models.CharField(max_length=30, blank=True, help_text="Of serving.types.DegradedCode.")
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


class RuleKind(models.TextChoices):
    """What a business rule does with its item."""

    PIN = "pin", "stands at a place"
    BURY = "bury", "goes to the end"
    OUT_OF_STOCK = "out_of_stock", "is not listed"


class Rule(models.Model):
    """A business rule: what becomes of one item in a catalog's lists, whoever they are for.

    `scenario`: empty for all; a scenario's own rule outweighs that for all. `place`: of a pinned item, from 1. `until`:
    the rule holds no longer then.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="rules", db_index=False)
    scenario = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=12, choices=RuleKind)
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="rules")
    place = models.PositiveSmallIntegerField(null=True)
    note = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField(null=True)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["catalog", "scenario", "item"], name="rule_one_of_an_item"),
            models.CheckConstraint(
                condition=Q(kind=RuleKind.PIN, place__gte=1) | (~Q(kind=RuleKind.PIN) & Q(place=None)),
                name="rule_place_of_a_pin",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.item_id}"
