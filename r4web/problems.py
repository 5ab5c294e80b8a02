"""What answers where no view can: a problem document where programs ask, a page elsewhere."""

import sys
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views import defaults
from rest_framework.exceptions import MethodNotAllowed

from recommender.api import problems, unavailable
from recommender.api.errors import UnknownPath

PROGRAMS = ("/api/", "/healthz", "/metrics")  # nobody reads a page there


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problems.refused(request) if request.path.startswith(PROGRAMS) else defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(PROGRAMS):
        return problems.foreseen(request, UnknownPath("Nothing is at this address."))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when it is the database that is away, busy or full."""
    why = unavailable.reason(sys.exception())
    if request.path.startswith(PROGRAMS):
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
    """Middleware: words instead of nothing for whoever opens an address that only takes a form, or sends to one that
    only says something."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code != 405 or response.content:
            return response
        if request.path.startswith(PROGRAMS):
            allowed = response["Allow"].split(", ")
            said: HttpResponse = problems.foreseen(request, MethodNotAllowed(str(request.method)), allowed=allowed)
        else:
            said = HttpResponse(render_to_string("405.html", request=request), status=405)
        said["Allow"] = response["Allow"]
        return said

    return answer
