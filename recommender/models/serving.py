"""What was recommended, to whom, from what: the serving log. What the business wants of lists: rules."""

import uuid
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from recommender.models.accounts import ApiToken
from recommender.models.backbones import BackboneVersion
from recommender.models.catalog import Catalog, EndUser, Item
from recommender.models.experiments import Experiment


class Recommendation(models.Model):
    """One served list, or a page of it. `items`: [{"item_id", "title", "rank", "score", …}] in the order served.

    `source` names the rung of the ladder that answered; when it was not the best one, `degraded_reason` says why.
    `explain`, `min_review`: what was asked for; empty in rows of releases that kept no reasons. `about` and the rest of
    an item's entry: the reasons without their texts, which turns and statements have (serving.remembered). `end_user`:
    none where the list was for somebody the catalog has no row of; nothing is kept of who that was. `experiment`,
    `variant`: which of whose variants it was made by (serving.variants): the row is the exposure. `canary`: the rollout
    whose canary the person got, or would have got had there been anything to rank by.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No index of its own: one below begins with it.
    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="recommendations", db_index=False)
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, null=True, related_name="recommendations")
    backbone = models.ForeignKey(BackboneVersion, on_delete=models.PROTECT, null=True)
    canary = models.ForeignKey(
        "recommender.Rollout", on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
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
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    variant = models.CharField(max_length=30, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["experiment", "created_at"],
                name="recommendation_experiment",
                condition=Q(experiment__isnull=False),
            ),
            models.Index(fields=["end_user", "-created_at"], name="recommendation_end_user"),
            models.Index(fields=["created_at"], name="recommendation_created"),
            models.Index(fields=["catalog", "created_at"], name="recommendation_catalog"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class RuleKind(models.TextChoices):
    """What a business rule does with its item."""

    PIN = "pin", "stands at a place"
    BURY = "bury", "goes to the end"
    OUT_OF_STOCK = "out_of_stock", "is not listed"


class RuleQuerySet(models.QuerySet["Rule"]):
    def with_successors(self) -> Self:
        """Each with `replaced_at`: when the next rule about its item and scenario begins, in whose favour it ends."""
        begins = Coalesce(OuterRef("since"), OuterRef("created_at"))
        same = Rule.objects.filter(**{name: OuterRef(name) for name in ("catalog", "scenario", "item")})
        later = same.filter(Q(until=None) | Q(until__gt=F("since")), since__gt=begins).order_by("since")
        return self.annotate(replaced_at=Subquery(later.values("since")[:1]))


class Rule(models.Model):
    """A business rule: what becomes of one item in a catalog's lists, whoever they are for.

    `scenario`: empty for all; a scenario's own rule outweighs that for all while it holds. `place`: of a pinned item,
    from 1. `since`: it holds from then on; null: from when it was set. `until`: it holds no longer then. Of several
    about an item and scenario the one that began last holds, or none once it has ended.
    """

    replaced_at: datetime | None  # by RuleQuerySet.with_successors

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="rules", db_index=False)
    scenario = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=12, choices=RuleKind)
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="rules")
    place = models.PositiveSmallIntegerField(null=True)
    note = models.CharField(max_length=200, blank=True)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RuleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["catalog", "scenario", "item"], condition=Q(since=None), name="rule_one_of_an_item_at_once"
            ),
            models.UniqueConstraint(fields=["catalog", "scenario", "item", "since"], name="rule_one_of_a_moment"),
            models.CheckConstraint(
                condition=Q(kind=RuleKind.PIN, place__gte=1) | (~Q(kind=RuleKind.PIN) & Q(place=None)),
                name="rule_place_of_a_pin",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.item_id}"

    @property
    def is_replaced(self) -> bool:
        """Whether it ends, or ended, in favour of the next rule."""
        return self.replaced_at is not None and (self.until is None or self.until >= self.replaced_at)
