"""Signing in by an OpenID provider: off to it, and back. Without one these addresses are not there."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from recommender.accounts import openid
from reviews.pages.home import entering

TO = "outside_to"  # in a session: where to go afterwards


@require_GET
@never_cache
def begin(request: HttpRequest) -> HttpResponse:
    if not openid.name():
        raise Http404
    to = request.GET.get("next", "")
    is_ours = to.startswith("/") and url_has_allowed_host_and_scheme(to, allowed_hosts={request.get_host()})
    request.session[TO] = to if is_ours else resolve_url("home")
    try:
        return openid.begin(request, request.build_absolute_uri(reverse("outside_back")))
    except openid.OutsideError as error:
        return _refused(request, error)


@require_GET
@never_cache
def back(request: HttpRequest) -> HttpResponse:
    if not openid.name():
        raise Http404
    if request.user.is_authenticated:  # two tabs
        return redirect("home")
    try:
        account = openid.finish(request)
    except openid.OutsideError as error:
        return _refused(request, error)
    to = request.session.pop(TO, resolve_url("home"))
    return entering.enter(request, account, to=to, how=f"With {openid.name()}")


def _refused(request: HttpRequest, error: openid.OutsideError) -> HttpResponse:
    return render(request, "registration/outside.html", {"problem": str(error)}, status=error.status)
