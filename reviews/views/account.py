"""The home page, and the theme a browser remembers."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from reviews.guards import requires
from reviews.templatetags.navigation import THEMES

A_YEAR = 365 * 24 * 3600


@require_safe
@requires()
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home/home.html")


@require_POST
def theme(request: HttpRequest) -> HttpResponseBase:
    """Remember the theme in a cookie; without JavaScript too."""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = resolve_url("home")
    response = redirect(back)
    chosen = request.POST.get("theme", "")
    if chosen in dict(THEMES):
        response.set_cookie("theme", chosen, max_age=A_YEAR, samesite="Lax")
    return response
