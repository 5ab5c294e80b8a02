"""A list for somebody of whom a request itself tells something: what they met just now, their taste in plain words."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api.authentication import asker_of, require
from recommender.api.posted import posted
from recommender.api.resource import PROBLEMS, PrivateView, responses
from recommender.api.v1.recommendations import AS_JSON, RecommendationsSerializer
from recommender.api.v1.wishes import Told, Wishes, listed, told_of, whom_named, wish_of
from recommender.models import TokenScope

CATALOG = OpenApiParameter("catalog", str, OpenApiParameter.PATH, description="The catalog's name.")


class SessionRequest(Told, Wishes):
    """Who it is for, what is told of them, and what is wanted."""


class SessionView(PrivateView):
    scope = TokenScope.RECOMMENDATIONS_READ

    @extend_schema(
        operation_id="recommend_in_session",
        tags=["recommendations"],
        parameters=[CATALOG],
        request=SessionRequest,
        responses=responses(RecommendationsSerializer, "One list.", problems=(*PROBLEMS, 413)),
    )
    def post(self, request: Request, catalog: str) -> Response:
        """What to recommend to somebody who need not be known: by a history or a taste that comes with the request.

        Nothing of that is stored.
        """
        asked = posted(request, SessionRequest)
        if asked["explain"] != "none":
            require(request, TokenScope.EXPLANATIONS_READ)
        token, wish = asker_of(request), wish_of(asked)
        whom = whom_named(
            catalog, asked.get("user_id", ""), asker=token, or_error=False, attributes=asked["attributes"]
        )
        served = listed(whom, asked, wish, told_of(whom.catalog, asked), token=token)
        return Response(AS_JSON.to_representation(served))
