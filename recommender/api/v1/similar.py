"""Items like one item."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api import errors
from recommender.api.authentication import asker_of
from recommender.api.parameters import OneOfField, WholeNumberField, parse
from recommender.api.resource import PROBLEMS, PrivateView, responses
from recommender.api.v1.recommendations import known_catalog
from recommender.api.v1.session import CATALOG
from recommender.api.v1.wishes import NarrowQuery, NoticeSerializer, wish_of, wrong_filter
from recommender.models import Item, SubjectKind, TokenScope
from recommender.serving import queries
from recommender.serving.conditions import ConditionError
from recommender.serving.similar import LIKENESSES, similar
from recommender.serving.types import MOST_ITEMS

ANY = "any"


class SimilarQuery(NarrowQuery):
    limit = WholeNumberField(default=10, min_value=1, max_value=MOST_ITEMS, help_text="The most items to list.")
    by = OneOfField(
        default=ANY,
        choices=[ANY, *LIKENESSES],
        help_text="likes: the same people like both, as the active backbone learned. texts: the approved texts about "
        "both are near each other. attributes: they have values in common. any: the first of these that is known.",
    )


class SimilarItemSerializer(serializers.Serializer[Any]):
    item_id = serializers.CharField()
    title = serializers.CharField()
    rank = serializers.IntegerField(min_value=1)
    score = serializers.FloatField(
        help_text="Above 0, at most 1; to compare within one answer. Of texts or attributes a cosine; of likes the "
        "cosine of what sets the items apart, shrunk where little is known of them."
    )


class SimilarSerializer(serializers.Serializer[Any]):
    """Items like one item, the nearest first."""

    catalog = serializers.CharField()
    item_id = serializers.CharField()
    title = serializers.CharField()
    by = serializers.ChoiceField(
        choices=LIKENESSES, allow_null=True, help_text="What the likeness is of. Null: nothing of that is known of it."
    )
    items = SimilarItemSerializer(many=True)
    notices = NoticeSerializer(many=True)


_QUERY = SimilarQuery()


class SimilarView(PrivateView):
    scope = TokenScope.RECOMMENDATIONS_READ

    @extend_schema(
        operation_id="similar_items",
        tags=["recommendations"],
        parameters=[
            CATALOG,
            OpenApiParameter("item_id", str, OpenApiParameter.PATH, description="The item's id in your data."),
            SimilarQuery,
        ],
        responses=responses(SimilarSerializer, "The items.", problems=tuple(PROBLEMS)),
    )
    def get(self, request: Request, catalog: str, item_id: str) -> Response:
        """Items like one item. What is out of stock is left out; it is about nobody, so it is not logged."""
        asked = parse(request, _QUERY)
        wish = wish_of(asked)
        item = _item(catalog, item_id, request)
        try:
            found = similar(item, limit=asked["limit"], wish=wish, by=None if asked["by"] == ANY else asked["by"])
        except ConditionError as error:
            raise wrong_filter(error) from error
        items = [
            {"item_id": each.external_id, "title": each.title, "rank": rank, "score": round(score, 6)}
            for rank, (each, score) in enumerate(found.items, start=1)
        ]
        notices = [{"code": each.code, "detail": each.detail} for each in found.notices]
        of = {"catalog": catalog, "item_id": item.external_id, "title": item.title}
        return Response(of | {"by": found.by, "items": items, "notices": notices})


def _item(catalog: str, item_id: str, request: Request) -> Item:
    """Raises UnknownCatalog, Erased and UnknownItem."""
    found = known_catalog(catalog, asker=asker_of(request))
    item = None if "\x00" in item_id else Item.objects.filter(catalog=found, external_id=item_id).first()
    if item is None:
        if queries.erased(catalog, SubjectKind.ITEM, item_id, asker=asker_of(request)):
            raise errors.Erased(f"This item was erased from the catalog “{catalog}”.")
        raise errors.UnknownItem(f"The catalog “{catalog}” has no such item. Check the id.")
    item.catalog = found
    return item
