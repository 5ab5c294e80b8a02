"""REST, version 1: parse, call, render."""

from typing import Any, cast
from uuid import UUID

from drf_spectacular.renderers import OpenApiJsonRenderer2, OpenApiYamlRenderer, OpenApiYamlRenderer2
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from recommender.api import errors
from recommender.api.parameters import NOTHING, RECOMMENDATIONS, RecommendationsQuery, parse
from recommender.api.serializers import CatalogsSerializer, ProblemSerializer, RecommendationsSerializer
from recommender.models import ApiToken, EndUser
from recommender.serving import queries as selectors
from recommender.serving.log import replay
from recommender.serving.recommend import recommend

PERSONAL = "private, no-store"  # never kept between, never shown to another


_AS_JSON = RecommendationsSerializer()  # it only writes: shared, since making one anew costs more than using it
_PROBLEMS = {
    400: "A parameter is not valid, or not known.",
    401: "No token, or one that is unknown, expired or revoked.",
    404: "Nothing has this name or id.",
    406: "This API answers in JSON.",
    500: "Something went wrong here.",
}


def _responses(shape: Any, said: str, *, problems: tuple[int, ...] = (400, 401, 406, 500)) -> dict[Any, Any]:
    """The schema of an answer and of its errors."""
    documents = {
        (status, errors.CONTENT_TYPE): OpenApiResponse(ProblemSerializer, description=_PROBLEMS[status])
        for status in problems
    }
    return {200: OpenApiResponse(shape, description=said), **documents}


class PrivateView(APIView):
    """Answers that belong to the caller alone."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = PERSONAL
        return response


class CatalogsView(PrivateView):
    @extend_schema(
        operation_id="list_catalogs", tags=["catalogs"], responses=_responses(CatalogsSerializer, "All catalogs.")
    )
    def get(self, request: Request) -> Response:
        """All catalogs: what is recommended in each, how much, and by which backbone."""
        parse(request, NOTHING)
        return Response(CatalogsSerializer({"catalogs": selectors.catalogs()}).data)


class RecommendationsView(PrivateView):
    @extend_schema(
        operation_id="recommend",
        tags=["recommendations"],
        parameters=[
            OpenApiParameter("catalog", str, OpenApiParameter.PATH, description="The catalog's name."),
            OpenApiParameter("user_id", str, OpenApiParameter.PATH, description="The end user's id in your data."),
            RecommendationsQuery,
        ],
        responses=_responses(RecommendationsSerializer, "One list.", problems=tuple(_PROBLEMS)),
    )
    def get(self, request: Request, catalog: str, user_id: str) -> Response:
        """What to recommend to an end user now: unseen items, best first, with the reasons asked for."""
        asked = parse(request, RECOMMENDATIONS)
        served = recommend(
            _end_user(catalog, user_id),
            limit=asked["limit"],
            level=asked["explain"],
            token=cast(ApiToken, request.auth),
        )
        return Response(_AS_JSON.to_representation(served))


class RecommendationView(PrivateView):
    @extend_schema(
        operation_id="replay_recommendation",
        tags=["recommendations"],
        parameters=[
            OpenApiParameter(
                "recommendation_id", UUID, OpenApiParameter.PATH, description="From the answer that served the list."
            )
        ],
        responses=_responses(RecommendationsSerializer, "The list as it was.", problems=tuple(_PROBLEMS)),
    )
    def get(self, request: Request, recommendation_id: UUID) -> Response:
        """A list that was served before, as it was, without reasons."""
        parse(request, NOTHING)
        logged = selectors.logged(recommendation_id)
        if logged is None:
            raise errors.UnknownRecommendation(
                f"No list with the id {recommendation_id} was served. Use the `recommendation_id` of an earlier answer."
            )
        return Response(_AS_JSON.to_representation(replay(logged)))


class UnknownPathView(APIView):
    """Whatever no other address matches, for any method and without a token."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise errors.UnknownPath(f"Nothing answers at {request.path}. {errors.DOCS} lists all addresses.")


class SchemaView(SpectacularAPIView):
    """The OpenAPI schema: JSON unless YAML is asked for."""

    authentication_classes = ()
    permission_classes = ()
    renderer_classes = [OpenApiJsonRenderer2, OpenApiYamlRenderer, OpenApiYamlRenderer2]


class DocsView(SpectacularSwaggerSplitView):
    """The schema to read and to try out. Its script comes from its own address: the pages' policy forbids inline."""

    authentication_classes = ()
    permission_classes = ()
    template_name = "api/docs.html"
    url_name = "api:schema"


def _end_user(catalog: str, user_id: str) -> EndUser:
    end_user = selectors.end_user_named(catalog, user_id)
    if end_user is not None:
        return end_user
    if selectors.catalog_named(catalog) is None:
        names = [f"“{each.name}”" for each in selectors.catalogs()[:10]]
        known = f"Catalogs here: {', '.join(names)}." if names else "None has been imported yet."
        raise errors.UnknownCatalog(f"There is no catalog “{catalog}”. {known}")
    raise errors.UnknownEndUser(
        f"The catalog “{catalog}” has no end user “{user_id}”. Check the id; import_catalog adds end users."
    )
