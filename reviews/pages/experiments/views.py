"""Experiments: all of them, one with what it found, and writing, starting and stopping one."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from recommender.accounts.visible import catalogs_of
from recommender.experiments import service
from recommender.experiments.results import results_of
from recommender.experiments.words import percent
from recommender.models import Catalog, Experiment, ExperimentState, Metric
from reviews.guards import account_of, requires
from reviews.pages.experiments import queries as select
from reviews.pages.experiments.forms import (
    KINDS,
    METRICS,
    MOST,
    SCENARIOS,
    ExperimentForm,
    variant_forms,
    with_another_variant,
)
from reviews.pages.filters import CatalogFilter
from reviews.policy import Action, may

ROWS = 20


@require_safe
@never_cache
@requires(Action.SEE_EXPERIMENTS)
def experiments(request: HttpRequest) -> HttpResponse:
    filters = CatalogFilter(request)
    account, catalog = account_of(request), filters.chosen
    shown = Paginator(select.experiments(account, catalog), ROWS).get_page(request.GET.get("page"))
    context = {
        "filters": filters,
        "catalog": catalog,
        "page": shown,
        "rows": [(each, METRICS[Metric(each.primary)]) for each in shown],
        "may_run": may(account.role, Action.RUN_EXPERIMENTS),
    }
    return render(request, "experiments/experiments.html", context)


@require_safe
@never_cache
@requires(Action.SEE_EXPERIMENTS)
def experiment(request: HttpRequest, experiment_id: int) -> HttpResponse:
    return _page(request, _found(request, experiment_id))


def _page(request: HttpRequest, shown: Experiment, *, error: str = "", status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "experiment": shown,
        "plan": select.plan_rows(shown),
        "kind": KINDS[shown.kind],
        "metric": METRICS[Metric(shown.primary)],
        "scenario": SCENARIOS.get(shown.scenario, shown.scenario),
        "smallest": percent(shown.smallest_lift),
        "error": error,
        "may_run": may(account_of(request).role, Action.RUN_EXPERIMENTS),
    }
    if shown.state != ExperimentState.DRAFT:
        found = select.page(results_of(shown))
        context |= found | {"by_segment": select.with_names(found["segment_names"], found["segments"])}
    return render(request, "experiments/experiment.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Action.RUN_EXPERIMENTS)
def write(request: HttpRequest) -> HttpResponse:
    account, sent = account_of(request), request.POST if request.method == "POST" else None
    catalogs = catalogs_of(account)
    named = (sent or request.GET).get("catalog", "")
    chosen = catalogs.filter(name=named).first() or catalogs.first()
    if sent is not None and "another" in sent:
        form, variants = with_another_variant(sent, chosen, account)
        return render(request, "experiments/write.html", _written(form, variants, chosen))
    form = ExperimentForm(sent, initial={"catalog": chosen.name if chosen else None}, account=account)
    variants = variant_forms(sent, chosen)
    if sent is not None and all([form.is_valid(), variants.is_valid()]):
        wanted = [variant for each in variants.forms if (variant := each.variant)]
        try:
            made = service.create(form.cleaned_data["catalog"], form.plan(wanted), by=account)
        except service.ExperimentRefusedError as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            messages.success(request, f"“{made}” is written. It changes nothing until it is started.")
            return redirect("reviews:experiment", made.pk)
    is_wrong = bool(form.errors) or bool(sent is not None and not variants.is_valid())
    return render(request, "experiments/write.html", _written(form, variants, chosen), status=422 if is_wrong else 200)


def _written(form: Any, variants: Any, catalog: Catalog | None) -> dict[str, Any]:
    return {"form": form, "variants": variants, "catalog": catalog, "may_add": variants.total_form_count() < MOST}


@require_POST
@requires(Action.RUN_EXPERIMENTS)
def start(request: HttpRequest, experiment_id: int) -> HttpResponse:
    shown = _found(request, experiment_id)
    try:
        service.start(shown, by=account_of(request))
    except service.ExperimentRefusedError as refusal:
        return _page(request, shown, error=f"Nothing was changed. {refusal}", status=409)
    messages.success(request, f"“{shown}” is running: from now on users get its variants.")
    return redirect("reviews:experiment", experiment_id)


@require_POST
@requires(Action.RUN_EXPERIMENTS)
def stop(request: HttpRequest, experiment_id: int) -> HttpResponse:
    shown = _found(request, experiment_id)
    if service.stop(shown, by=account_of(request), reason="Stopped by a lead."):
        messages.success(request, "Stopped. Everybody gets the usual lists.")
    else:
        messages.info(request, "It was not running.")
    return redirect("reviews:experiment", experiment_id)


@require_POST
@requires(Action.RUN_EXPERIMENTS)
def discard(request: HttpRequest, experiment_id: int) -> HttpResponse:
    if service.discard(_found(request, experiment_id), by=account_of(request)):
        messages.success(request, "The draft is discarded.")
        return redirect("reviews:experiments")
    messages.info(request, "It has been started, so it stays: what users got can be looked up.")
    return redirect("reviews:experiment", experiment_id)


def _found(request: HttpRequest, experiment_id: int) -> Experiment:
    return get_object_or_404(select.experiments(account_of(request)), pk=experiment_id)
