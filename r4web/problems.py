"""What answers where no view can: a problem document below /api/, a page elsewhere."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from recommender.api import errors

API = "/api/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return errors.refused(request) if request.path.startswith(API) else defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    return errors.server_error(request) if request.path.startswith(API) else defaults.server_error(request)
