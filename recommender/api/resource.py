"""What the views of all resources share."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from recommender.api.errors import CONTENT_TYPE, DOCS, ProblemSerializer, UnknownPath

PERSONAL = "private, no-store"  # never kept between, never shown to another

PROBLEMS = {
    400: "A parameter is not valid, or not known.",
    401: "No token, or one that is unknown, expired or revoked.",
    404: "Nothing has this name or id.",
    406: "This API answers in JSON.",
    500: "Something went wrong here.",
}


def responses(shape: Any, said: str, *, problems: tuple[int, ...] = (400, 401, 406, 500)) -> dict[Any, Any]:
    """The schema of an answer and of its errors."""
    documents = {
        (status, CONTENT_TYPE): OpenApiResponse(ProblemSerializer, description=PROBLEMS[status]) for status in problems
    }
    return {200: OpenApiResponse(shape, description=said), **documents}


class PrivateView(APIView):
    """Answers that belong to the caller alone."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = PERSONAL
        return response


class UnknownPathView(APIView):
    """Whatever no other address matches, for any method and without a token."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise UnknownPath(f"Nothing answers at {request.path}. {DOCS} lists all addresses.")
