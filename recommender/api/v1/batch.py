"""Lists for many people in one call. What is wrong with one of them keeps nobody else's from coming."""

import logging
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api.authentication import asker_of, charge, require
from recommender.api.errors import ProblemSerializer, document, internal_error
from recommender.api.posted import posted
from recommender.api.resource import PROBLEMS, PrivateView, responses
from recommender.api.v1.recommendations import AS_JSON, RecommendationsSerializer
from recommender.api.v1.session import CATALOG
from recommender.api.v1.wishes import UNKNOWN_USER, Told, Wishes, catalog_named, listed, told_of, whom_named, wish_of
from recommender.models import ApiToken, Catalog, TokenScope
from recommender.serving.wish import Wish

MOST_ENTRIES = 100
logger = logging.getLogger(__name__)


class BatchRequest(Wishes):
    """Who the lists are for, and what is wanted of each."""

    entries = Told(many=True, allow_empty=False, max_length=MOST_ENTRIES, help_text=f"At most {MOST_ENTRIES}.")
    unknown_user = serializers.ChoiceField(
        default="list",
        choices=UNKNOWN_USER,
        help_text="What becomes of an id that the catalog does not have: a list that is not personal, or an error.",
    )


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
        parameters=[CATALOG],
        request=BatchRequest,
        responses=responses(BatchSerializer, "What became of each.", problems=(*PROBLEMS, 413)),
    )
    def post(self, request: Request, catalog: str) -> Response:
        """Lists for up to 100 people. Each counts as a request of the token's."""
        asked = posted(request, BatchRequest)
        if asked["explain"] != "none":
            require(request, TokenScope.EXPLANATIONS_READ)
        found, wish = catalog_named(catalog, asker=asker_of(request)), wish_of(asked)
        charge(request, len(asked["entries"]) - 1)
        results = [self._result(request, found, asked, wish, index) for index in range(len(asked["entries"]))]
        failed = sum(result["problem"] is not None for result in results)
        return Response({"listed": len(results) - failed, "failed": failed, "results": results})

    def _result(
        self, request: Request, catalog: Catalog, asked: dict[str, Any], wish: Wish, index: int
    ) -> dict[str, Any]:
        told = asked["entries"][index]
        result = {"index": index, "user_id": told.get("user_id", ""), "recommendations": None, "problem": None}
        try:
            made = self._list(catalog, asked, told, wish, token=asker_of(request))
        except APIException as error:
            return result | {"problem": document(error, {"request": request, "view": self})}
        except Exception:
            logger.exception("Entry %s of a batch failed", index)
            return result | {"problem": internal_error(request.path)}
        return result | {"recommendations": made}

    def _list(
        self, catalog: Catalog, asked: dict[str, Any], told: dict[str, Any], wish: Wish, *, token: ApiToken
    ) -> dict[str, Any]:
        or_error = asked["unknown_user"] == "error" and bool(told.get("user_id"))
        whom = whom_named(
            catalog.name, told.get("user_id", ""), asker=token, or_error=or_error, attributes=told["attributes"]
        )
        served = listed(whom, asked, wish, told_of(whom.catalog, told), token=token)
        made: dict[str, Any] = AS_JSON.to_representation(served)
        return made
