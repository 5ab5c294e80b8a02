"""One recommendation domain: its end users, items and interactions."""

from typing import Self, TypeVar

from django.db import models
from django.db.models import F, Q

from recommender.models.liked import liked_expression


class Clock(models.TextChoices):
    """What an interaction's `moment` counts."""

    SECONDS = "seconds", "Unix seconds"
    ORDER = "order", "a number that only orders"
    NONE = "none", "no order"


class MinReview(models.TextChoices):
    """Which texts programs are given: what people must have said of them at least (serving.texts)."""

    ANY = "any", "every proposal, also one that nobody has judged"
    REVIEWED = "reviewed", "what a person has judged"
    APPROVED = "approved", "what is in force and undisputed"


class Hearing(models.TextChoices):
    """When what end users say of themselves counts (statements.own)."""

    AT_ONCE = "at_once", "at once"
    AFTER_REVIEW = "after_review", "once a person has accepted it"


class Catalog(models.Model):
    """A recommendation domain. `like_threshold`: a rating above it is a like (METHODS: MovieLens > 3, Amazon > 4)."""

    name = models.SlugField(max_length=60, unique=True)
    item_noun = models.CharField(max_length=40, default="item")
    rating_min = models.FloatField(default=1.0)
    rating_max = models.FloatField(default=5.0)
    like_threshold = models.FloatField(default=3.0)
    prompt_attributes = models.JSONField(default=list, help_text="Names of item attributes that prompts show.")
    clock = models.CharField(max_length=8, choices=Clock, default=Clock.SECONDS)
    most_tokens = models.PositiveBigIntegerField(
        null=True, help_text="Its rounds stop once their calls cost so much in all; null: never."
    )
    steering = models.FloatField(
        null=True,
        help_text="How strongly approved statements move its lists; null: as R4_STEERING says.",
    )
    min_review = models.CharField(
        max_length=8, choices=MinReview, default=MinReview.REVIEWED, help_text="Where a program does not say otherwise."
    )
    hearing = models.CharField(
        max_length=12, choices=Hearing, default=Hearing.AT_ONCE, help_text="When what its end users say counts."
    )
    erasures = models.PositiveIntegerField(
        default=0, help_text="Grows when somebody is erased: what processes hold in memory is read anew."
    )
    rule_changes = models.PositiveIntegerField(
        default=0, help_text="Grows when a business rule is set or removed: what processes hold of them is read anew."
    )
    experiment_changes = models.PositiveIntegerField(
        default=0, help_text="Grows when an experiment starts or stops: what processes hold of them is read anew."
    )
    changes = models.PositiveBigIntegerField(
        default=0, help_text="Grows when items or interactions come: processes read what is new (catalogs.changes)."
    )
    guard_settings = models.JSONField(default=dict, blank=True, help_text="guards.settings as JSON; empty: by default.")
    rebuild_settings = models.JSONField(
        default=dict, blank=True, help_text="rebuilds.settings as JSON; empty: no rebuild by itself."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    @property
    def ordered(self) -> bool:
        """Whether it is known what came first. Else moments are drawn by chance, and say nothing."""
        return self.clock != Clock.NONE


Row = TypeVar("Row", bound=models.Model)


class NotErased(models.Manager[Row]):
    """All rows but those that stand for something erased; foreign keys lead to those too."""

    def get_queryset(self) -> models.QuerySet[Row]:
        return super().get_queryset().filter(erased_at=None)


class EndUser(models.Model):
    """A person whose interactions are recorded and who gets recommendations; `user_id` in REST.

    Of an erased one a row without id and attributes stays, for the rounds and lists that stay without their texts.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="end_users")
    external_id = models.CharField(max_length=128)
    attributes = models.JSONField(default=dict)
    erased_at = models.DateTimeField(null=True)

    objects = NotErased["EndUser"]()
    with_erased = models.Manager["EndUser"]()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["catalog", "external_id"], name="end_user_unique_in_catalog")]

    def __str__(self) -> str:
        return self.external_id


class Item(models.Model):
    """What is recommended. `attributes` maps a name to a string, a number or a list of strings."""

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="items")
    external_id = models.CharField(max_length=128)
    title = models.CharField(max_length=500)
    attributes = models.JSONField(default=dict)
    erased_at = models.DateTimeField(null=True)

    objects = NotErased["Item"]()
    with_erased = models.Manager["Item"]()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["catalog", "external_id"], name="item_unique_in_catalog")]

    def __str__(self) -> str:
        return self.title


class InteractionQuerySet(models.QuerySet["Interaction"]):
    def before(self, as_of: int) -> Self:
        """Only what happened strictly before the cut-off."""
        return self.filter(moment__lt=as_of)

    def oldest_first(self) -> Self:
        return self.order_by("moment", "id")

    def with_liked(self) -> Self:
        """Annotate `liked`: True, False, or None where it is not known."""
        return self.annotate(liked=liked_expression(threshold=F("end_user__catalog__like_threshold")))


class Interaction(models.Model):
    """One end user met one item at one moment. Neither rating nor label: met, but whether it was liked is unknown."""

    # No index of their own: the constraint and the index below begin with them.
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, related_name="interactions", db_index=False)
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="interactions", db_index=False)
    rating = models.FloatField(null=True)
    label = models.SmallIntegerField(null=True, help_text="1 liked, 0 not liked.")
    moment = models.BigIntegerField(help_text="Unix seconds, or an order number: the catalog's clock says which.")

    objects = InteractionQuerySet.as_manager()

    class Meta:
        constraints = [
            # Serves every history query too: an end user's interactions in the order of time.
            models.UniqueConstraint(fields=["end_user", "moment", "item"], name="interaction_unique"),
            models.CheckConstraint(condition=Q(label__in=[0, 1]) | Q(label=None), name="interaction_label_0_or_1"),
        ]
        indexes = [models.Index(fields=["item", "moment"], name="interaction_item_moment")]

    def __str__(self) -> str:
        return f"{self.end_user_id} × {self.item_id}"
