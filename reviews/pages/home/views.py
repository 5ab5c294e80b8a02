"""The home page, and the theme a browser remembers."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from reviews.guards import account_of, requires
from reviews.pages.home.queries import ai_in_use, catalog_facts
from reviews.policy import Action, may
from reviews.room.queue import queue_counts
from reviews.templatetags.navigation import THEMES

A_YEAR = 365 * 24 * 3600


@require_safe
@requires()
def home(request: HttpRequest) -> HttpResponse:
    account = account_of(request)
    counts = queue_counts(account, now=timezone.now()) if may(account.role, Action.SEE_QUEUE) else None
    context = {
        "counts": counts,
        "catalogs": catalog_facts(account),
        "ai": ai_in_use(),
        "may_open": may(account.role, Action.OPEN_ROUNDS),
    }
    return render(request, "home/home.html", context)


@require_POST
def theme(request: HttpRequest) -> HttpResponseBase:
    """Remember the theme in a cookie; without JavaScript too."""
    back = request.POST.get("next", "")
    if not back.startswith("/") or not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = resolve_url("home")
    response = redirect(back)
    chosen = request.POST.get("theme", "")
    if chosen in dict(THEMES):
        response.set_cookie("theme", chosen, max_age=A_YEAR, samesite="Lax")
    return response
