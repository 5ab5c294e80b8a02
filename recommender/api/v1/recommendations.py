"""What is recommended to an end user now, and a list that was served before."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api import errors
from recommender.api.authentication import asker_of, require
from recommender.api.parameters import NOTHING, WholeNumberField, parse
from recommender.api.resource import PROBLEMS, PrivateView, responses
from recommender.api.v1.backbones import BackboneSerializer
from recommender.api.v1.reasons import REASONS, write
from recommender.models import ApiToken, EndUser, SubjectKind, TokenScope
from recommender.serving import queries
from recommender.serving.log import replay
from recommender.serving.rankers import DEFAULT, RANKERS
from recommender.serving.recommend import recommend
from recommender.serving.types import EXPLAIN_CHOICES, MOST_ITEMS, SOURCES, ServedItem


class RecommendationsQuery(serializers.Serializer[Any]):
    limit = WholeNumberField(
        default=10,
        min_value=1,
        max_value=MOST_ITEMS,
        help_text="The most items to list.",
    )
    explain = serializers.ChoiceField(
        default="none",
        choices=EXPLAIN_CHOICES,
        help_text="How much to say about each item: nothing, the first sentence of each text, or all of it. "
        f"All but none need the scope `{TokenScope.EXPLANATIONS_READ}`.",
    )
    scenario = serializers.ChoiceField(
        default=DEFAULT,
        choices=sorted(RANKERS),
        help_text="Who ranks. backbone: the active backbone. thinkrec: the first items of its list, as an LLM scored "
        "them beforehand; where that is missing or out of date the backbone's order, and `degraded_reason` says so.",
    )


class ItemSerializer(serializers.Serializer[ServedItem]):
    item_id = serializers.CharField()
    title = serializers.CharField()
    rank = serializers.IntegerField(min_value=1)
    score = serializers.FloatField(
        allow_null=True,
        help_text="backbone, thinkrec: the probability of a like. popular: the likes to expect. newest, and thinkrec "
        "where the LLM gave none: null. Compare scores within one list only.",
    )
    reasons = serializers.SerializerMethodField(help_text="Empty with explain=none.")

    @extend_schema_field(
        PolymorphicProxySerializer(
            component_name="Reason", serializers=REASONS, resource_type_field_name="kind", many=True
        )
    )
    def get_reasons(self, item: ServedItem) -> list[dict[str, Any]]:
        return [write(reason) for reason in item.reasons]


class RecommendationsSerializer(serializers.Serializer[Any]):
    """One list for one end user."""

    recommendation_id = serializers.UUIDField(help_text="Ask for the same list again with it.")
    catalog = serializers.CharField()
    user_id = serializers.CharField()
    source = serializers.ChoiceField(  # type: ignore[assignment]  # a field's name here, not Field.source
        choices=SOURCES, help_text="Which rung of the ladder answered, best first."
    )
    degraded = serializers.BooleanField(help_text="Whether a better rung could not answer.")
    degraded_reason = serializers.CharField(allow_blank=True, help_text="Why, in words; empty when not degraded.")
    backbone = BackboneSerializer(allow_null=True, help_text="The backbone that ranked the list.")
    knowledge_snapshot = serializers.IntegerField(
        allow_null=True, help_text="The number of the knowledge snapshot that backbone was trained on."
    )
    generated_at = serializers.DateTimeField()
    items = ItemSerializer(many=True)


# Shared, since making one anew for a request costs more than using it.
_QUERY, _AS_JSON = RecommendationsQuery(), RecommendationsSerializer()


class RecommendationsView(PrivateView):
    scope = TokenScope.RECOMMENDATIONS_READ

    @extend_schema(
        operation_id="recommend",
        tags=["recommendations"],
        parameters=[
            OpenApiParameter("catalog", str, OpenApiParameter.PATH, description="The catalog's name."),
            OpenApiParameter("user_id", str, OpenApiParameter.PATH, description="The end user's id in your data."),
            RecommendationsQuery,
        ],
        responses=responses(RecommendationsSerializer, "One list.", problems=tuple(PROBLEMS)),
    )
    def get(self, request: Request, catalog: str, user_id: str) -> Response:
        """What to recommend to an end user now: unseen items, best first, with the reasons asked for."""
        asked = parse(request, _QUERY)
        if asked["explain"] != "none":
            require(request, TokenScope.EXPLANATIONS_READ)
        token = asker_of(request)
        end_user = end_user_named(catalog, user_id, asker=token)
        served = recommend(
            end_user, limit=asked["limit"], level=asked["explain"], token=token, scenario=asked["scenario"]
        )
        return Response(_AS_JSON.to_representation(served))


class RecommendationView(PrivateView):
    scope = TokenScope.RECOMMENDATIONS_READ

    @extend_schema(
        operation_id="replay_recommendation",
        tags=["recommendations"],
        parameters=[
            OpenApiParameter(
                "recommendation_id", UUID, OpenApiParameter.PATH, description="From the answer that served the list."
            )
        ],
        responses=responses(RecommendationsSerializer, "The list as it was.", problems=tuple(PROBLEMS)),
    )
    def get(self, request: Request, recommendation_id: UUID) -> Response:
        """A list that was served before, as it was, without reasons."""
        parse(request, NOTHING)
        logged = queries.logged(recommendation_id, asker=asker_of(request))
        if logged is None:
            raise errors.UnknownRecommendation(
                f"No list with the id {recommendation_id} was served. Use the `recommendation_id` of an earlier answer."
            )
        if logged.end_user.erased_at is not None:
            raise errors.Erased("This list was made for somebody who was erased. Nothing of it is kept.")
        return Response(_AS_JSON.to_representation(replay(logged)))


def end_user_named(catalog: str, user_id: str, *, asker: ApiToken) -> EndUser:
    """Raises UnknownCatalog, Erased or UnknownEndUser."""
    end_user = queries.end_user_named(catalog, user_id, asker=asker)
    if end_user is not None:
        return end_user
    if queries.catalog_named(catalog, asker=asker) is None:
        names = [f"“{each.name}”" for each in queries.catalogs(asker=asker)[:10]]
        known = f"This token opens: {', '.join(names)}." if names else "This token opens none: ask a lead."
        raise errors.UnknownCatalog(f"There is no catalog “{catalog}”. {known}")
    if queries.erased(catalog, SubjectKind.END_USER, user_id, asker=asker):
        raise errors.Erased(f"This end user was erased from the catalog “{catalog}”. Nothing about them is kept.")
    raise errors.UnknownEndUser(
        f"The catalog “{catalog}” has no end user “{user_id}”. Check the id; import_catalog adds end users."
    )
