"""Lists for many people in one call. What is wrong with one of them keeps nobody else's from coming."""

import logging
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api.authentication import asker_of, charge, require
from recommender.api.idempotent import KEY, idempotent
from recommender.api.posted import Shape, posted
from recommender.api.problems import ProblemSerializer, document, internal_error
from recommender.api.resource import PROBLEMS, WRITING, PrivateView, responses
from recommender.api.v1.recommendations import (
    RecommendationsQuery,
    RecommendationsSerializer,
    known_catalog,
    made_for,
    whom_named,
)
from recommender.api.v1.session import CATALOG
from recommender.api.v1.told import Told, session_told
from recommender.api.v1.wishes import wish_of
from recommender.models import Catalog, TokenScope

MOST_ENTRIES = 100
logger = logging.getLogger(__name__)


class BatchRequest(Shape, RecommendationsQuery):
    """Who the lists are for, and what is wanted of each."""

    cursor = None  # type: ignore[assignment]  # many lists, a page each
    as_of = None  # type: ignore[assignment]
    entries = serializers.ListField(child=Told(), min_length=1, max_length=MOST_ENTRIES)


class BatchResultSerializer(serializers.Serializer[Any]):
    """What became of one entry: a list, or a problem."""

    index = serializers.IntegerField(help_text="Its place among the entries, from 0.")
    user_id = serializers.CharField(allow_blank=True)
    recommendations = RecommendationsSerializer(allow_null=True)
    problem = ProblemSerializer(allow_null=True)


class BatchSerializer(serializers.Serializer[Any]):
    """One result for each entry, in their order."""

    listed = serializers.IntegerField()
    failed = serializers.IntegerField()
    results = BatchResultSerializer(many=True)


class BatchView(PrivateView):
    scope = TokenScope.RECOMMENDATIONS_READ

    @extend_schema(
        operation_id="recommend_batch",
        tags=["recommendations"],
        parameters=[CATALOG, KEY],
        request=BatchRequest,
        responses=responses(BatchSerializer, "What became of each.", problems=tuple(PROBLEMS | WRITING)),
    )
    @idempotent
    def post(self, request: Request, catalog: str) -> Response:
        """Lists for up to 100 people. Each counts as one request of the token's. Logged, unless log=false."""
        asked = posted(request, BatchRequest)
        if asked["explain"] != "none":
            require(request, TokenScope.EXPLANATIONS_READ)
        found = known_catalog(catalog, asker=asker_of(request))
        wish_of(asked)  # a filter that cannot be read is everybody's
        charge(request, len(asked["entries"]) - 1)
        results = [self._result(request, found, asked, index) for index in range(len(asked["entries"]))]
        failed = sum(result["problem"] is not None for result in results)
        return Response({"listed": len(results) - failed, "failed": failed, "results": results})

    def _result(self, request: Request, catalog: Catalog, asked: dict[str, Any], index: int) -> dict[str, Any]:
        told = asked["entries"][index]
        made, problem = None, None
        try:
            made = _list(request, catalog, asked, index)
        except APIException as error:
            problem = document(error, request.path)
        except Exception:
            logger.exception("Entry %s of a batch failed", index)
            problem = internal_error(request.path)
        return {"index": index, "user_id": told["user_id"], "recommendations": made, "problem": problem}


def _list(request: Request, catalog: Catalog, asked: dict[str, Any], index: int) -> dict[str, Any]:
    told, token = asked["entries"][index], asker_of(request)
    or_error = asked["unknown_user"] == "error"
    whom = whom_named(catalog.name, told["user_id"], asker=token, or_error=or_error)
    session = session_told(whom.catalog, told, path=f"entries[{index}].")
    return made_for(whom, asked, token=token, keep=asked.get("log", True), session=session)
