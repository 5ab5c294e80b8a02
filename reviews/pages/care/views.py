"""After activation: how a catalog's served models do, what they are held to, and when one is trained anew."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from recommender.guards import figures
from recommender.guards import service as guards
from recommender.guards.settings import settings_of_catalog as guard_settings
from recommender.models import Catalog
from recommender.rebuilds import queries as rebuild_queries
from recommender.rebuilds import service as rebuilds
from recommender.rebuilds.settings import settings_of_catalog as rebuild_settings
from reviews.guards import account_of, requires, visible
from reviews.pages.care.forms import GuardForm, RebuildForm
from reviews.policy import Action, may


@require_safe
@never_cache
@requires(Action.SEE_BACKBONES)
def care(request: HttpRequest, catalog: str) -> HttpResponse:
    return _page(request, _catalog(request, catalog))


@require_POST
@requires(Action.ROLL_OUT)
def change_guards(request: HttpRequest, catalog: str) -> HttpResponse:
    catalog_ = _catalog(request, catalog)
    form = GuardForm(request.POST, now=guard_settings(catalog_), prefix="guards")
    if not form.is_valid():
        return _page(request, catalog_, guard_form=form)
    guards.change_settings(catalog_, form.made, by=account_of(request))
    messages.success(request, "Kept. It counts from the next try, and for the active model from the next day (UTC).")
    return redirect("reviews:care", catalog)


@require_POST
@requires(Action.TRAIN)
def change_rebuilds(request: HttpRequest, catalog: str) -> HttpResponse:
    catalog_ = _catalog(request, catalog)
    form = RebuildForm(request.POST, now=rebuild_settings(catalog_), prefix="rebuilds")
    if not form.is_valid():
        return _page(request, catalog_, rebuild_form=form)
    rebuilds.change_settings(catalog_, form.made, by=account_of(request))
    messages.success(request, "Kept.")
    return redirect("reviews:care", catalog)


def _catalog(request: HttpRequest, name: str) -> Catalog:
    return visible(request, Catalog.objects.all(), at="pk", name=name)


def _page(request: HttpRequest, catalog: Catalog, **forms: Any) -> HttpResponse:
    """With the form that was refused, 422."""
    now, role = timezone.now(), account_of(request).role
    shown = figures.of_catalog(catalog, now)
    context = {
        "catalog": catalog,
        "figures": shown,
        "decided": figures.decided(catalog, but=shown),
        "guard_settings": guard_settings(catalog),
        "plan": rebuild_queries.plan(catalog, now),
        "guard_form": GuardForm(now=guard_settings(catalog), prefix="guards"),
        "rebuild_form": RebuildForm(now=rebuild_settings(catalog), prefix="rebuilds"),
        "may_activate": may(role, Action.ACTIVATE),
        "may_guard": may(role, Action.ROLL_OUT),
        "may_train": may(role, Action.TRAIN),
    }
    return render(request, "care/care.html", context | forms, status=422 if forms else 200)
