"""Which subjects a round would help most."""

from django.db.models import Count, Exists, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from recommender.models import Catalog, EndUser, Interaction, Item, Round


def end_users(catalog: Catalog, *, at_least: int = 1) -> list[int]:
    """Ids of the end users with so many interactions: those without a round first, then the longest history."""
    return _most_useful(EndUser.objects.filter(catalog=catalog), "end_user_id", at_least=max(at_least, 1))


def low_activity(catalog: Catalog, *, below: int) -> int:
    """How many end users have a history, but fewer interactions than that."""
    counted = Interaction.objects.filter(end_user__catalog=catalog).order_by().values("end_user")
    return counted.annotate(n=Count("*")).filter(n__lt=below).count()


def items(catalog: Catalog) -> list[int]:
    """Ids of all items: those without a round first, then the most interactions."""
    return _most_useful(Item.objects.filter(catalog=catalog), "item_id", at_least=0)


def _most_useful(subjects: QuerySet[Model], column: str, *, at_least: int) -> list[int]:
    mine = {column: OuterRef("pk")}
    interactions = Interaction.objects.filter(**mine).order_by().values(column).annotate(n=Count("*")).values("n")
    return list(
        subjects.annotate(
            interactions_count=Coalesce(Subquery(interactions), 0), has_round=Exists(Round.objects.filter(**mine))
        )
        .filter(interactions_count__gte=at_least)
        .order_by("has_round", "-interactions_count", "pk")
        .values_list("pk", flat=True)
    )
