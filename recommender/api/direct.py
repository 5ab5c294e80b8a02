"""Requests of programs take a short way: of the middleware that pages need they need next to nothing.

No session, cookie, message, form or page is theirs, and their answers are JSON: so a policy for scripts and styles has
nothing to say either, beyond that there are none.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.urls.exceptions import Resolver404

from recommender.accounts import audit
from recommender.api.middleware import API
from recommender.api.resource import PrivateView

HEADERS = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Frame-Options": "DENY"}


def directly(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: what a token opens is answered here, without what follows; everything else goes on."""
    view = audit.of_requests(_view)

    def answer(request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(API):
            return get_response(request)
        try:
            match = resolve(request.path_info)
        except Resolver404:
            return get_response(request)
        if not issubclass(getattr(match.func, "cls", object), PrivateView):
            return get_response(request)
        request.get_host()  # raises for a host that is not ours, as CommonMiddleware has it
        request.resolver_match = match
        response = view(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if not response.streaming and "Content-Length" not in response and response.status_code != 304:
            response["Content-Length"] = str(len(response.content))
        return response

    return answer


def _view(request: HttpRequest) -> HttpResponse:
    match = request.resolver_match
    assert match is not None
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    render = getattr(response, "render", None)
    return response if render is None else render()
