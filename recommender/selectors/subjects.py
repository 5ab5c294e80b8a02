"""Which subjects a round would help most."""

from django.db.models import Count, Exists, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from recommender.models import Catalog, EndUser, Interaction, Item, Round


def end_users(catalog: Catalog) -> list[int]:
    """Ids of the end users that have a history: those without a round first, then the longest history."""
    return _most_useful(EndUser.objects.filter(catalog=catalog), "end_user_id", at_least=1)


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
