"""A list for somebody of whom a request itself tells something: what they met just now, their taste in plain words."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api.authentication import asker_of, require
from recommender.api.idempotent import KEY, idempotent
from recommender.api.posted import posted
from recommender.api.resource import PROBLEMS, WRITING, PrivateView, responses
from recommender.api.v1.recommendations import RecommendationsQuery, RecommendationsSerializer, made_for, whom_named
from recommender.api.v1.told import Told, session_told
from recommender.models import TokenScope

CATALOG = OpenApiParameter("catalog", str, OpenApiParameter.PATH, description="The catalog's name.")


class SessionRequest(Told, RecommendationsQuery):
    """Who it is for, what is told of them, and what is wanted."""

    cursor = None  # type: ignore[assignment]  # such a list has one page
    as_of = None  # type: ignore[assignment]  # what is told is of now


class SessionView(PrivateView):
    scope = TokenScope.RECOMMENDATIONS_READ

    @extend_schema(
        operation_id="recommend_in_session",
        tags=["recommendations"],
        parameters=[CATALOG, KEY],
        request=SessionRequest,
        responses=responses(RecommendationsSerializer, "One list.", problems=tuple(PROBLEMS | WRITING)),
    )
    @idempotent
    def post(self, request: Request, catalog: str) -> Response:
        """What to recommend to somebody who need not be known: by a history or a taste that comes with the request.

        Nothing of that is stored. The list is logged without its reasons, unless log=false is asked for.
        """
        asked = posted(request, SessionRequest)
        if asked["explain"] != "none":
            require(request, TokenScope.EXPLANATIONS_READ)
        token = asker_of(request)
        or_error = asked["unknown_user"] == "error"
        whom = whom_named(catalog, asked["user_id"], asker=token, or_error=or_error)
        session = session_told(whom.catalog, asked)
        return Response(made_for(whom, asked, token=token, keep=asked.get("log", True), session=session))
