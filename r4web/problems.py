"""What answers where no view can: a problem document below /api/, a page elsewhere."""

import sys
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views import defaults

from recommender.api import problems, unavailable

API = "/api/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problems.refused(request) if request.path.startswith(API) else defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when it is the database that is away, busy or full."""
    why = unavailable.reason(sys.exception())
    if request.path.startswith(API):
        answer: HttpResponse = problems.not_available(request, why) if why else problems.server_error(request)
    elif why:
        answer = HttpResponse(render_to_string("503.html", {"why": why}), status=503)
    else:
        answer = defaults.server_error(request)
    if why:
        answer["Retry-After"] = str(unavailable.AGAIN_IN)
    return answer


def words_for_wrong_methods(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: a page instead of nothing for whoever opens an address that only takes a form."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code == 405 and not response.content and not request.path.startswith(API):
            page = HttpResponse(render_to_string("405.html", request=request), status=405)
            page["Allow"] = response["Allow"]
            return page
        return response

    return answer
