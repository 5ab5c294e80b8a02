"""What end users did with what they were shown, as a shop tells it over REST."""

from django.db import models

from recommender.models.catalog import Catalog, EndUser, Item


class EventType(models.TextChoices):
    IMPRESSION = "impression", "An item of a list was seen"
    CLICK = "click", "An item of a list was opened"
    LIKE = "like", "The end user likes the item"
    DISLIKE = "dislike", "The end user does not like the item"
    RATING = "rating", "The end user rated the item"
    PURCHASE = "purchase", "The end user bought the item"
    EXPLANATION_HELPFUL = "explanation_helpful", "Whether the reasons given with an item helped"


# These become interactions; the others are kept for rates, experiments and guards.
OPINIONS = (EventType.LIKE, EventType.DISLIKE, EventType.RATING, EventType.PURCHASE)


class Event(models.Model):
    """One event, append-only. `event_id` is the sender's, and the same one counts once.

    `end_user`: null for a visitor whom nobody knows. `recommendation`: the id of the list that it is about, which may
    be gone from the serving log. `value`: a rating, or 1 and 0 for an explanation that helped or did not. `moment`: on
    the catalog's clock, of an opinion's interaction; null for the others.
    """

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="events", db_index=False)
    event_id = models.CharField(max_length=128)
    type = models.CharField(max_length=20, choices=EventType)
    end_user = models.ForeignKey(EndUser, on_delete=models.CASCADE, null=True, related_name="events")
    # No index: only erasing an item looks for it, and each index costs every event.
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="events", db_index=False)
    recommendation = models.UUIDField(null=True)
    position = models.PositiveIntegerField(null=True, help_text="In the list as it was shown, from 1.")
    value = models.FloatField(null=True)
    moment = models.BigIntegerField(null=True)
    at = models.DateTimeField(help_text="When it happened.")
    created_at = models.DateTimeField(help_text="When it came.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["catalog", "event_id"], name="event_unique_in_catalog")]
        indexes = [models.Index(fields=["created_at"], name="event_created")]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
