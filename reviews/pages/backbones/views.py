"""Backbone pages: all versions and runs, and starting a training. One version's own page: pages.versions."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from recommender.accounts.visible import catalogs_of
from recommender.models import RunState, ScoringRun, ThinkrecRun, TrainingRun
from recommender.runs import service as runs
from recommender.runs.kinds import TRAINING, stage_of
from recommender.runs.service import UNFINISHED
from reviews.guards import account_of, requires, visible
from reviews.pages.backbones import queries as select
from reviews.pages.backbones import thinkrec, trained
from reviews.pages.backbones.forms import TrainForm
from reviews.pages.filters import CatalogFilter
from reviews.policy import Action, may

ROWS = 20
ENDED_SHOWN = 5


@require_safe
@never_cache
@requires(Action.SEE_BACKBONES)
def backbones(request: HttpRequest) -> HttpResponse:
    filters = CatalogFilter(request)
    account, catalog = account_of(request), filters.chosen
    shown = select.runs(account, catalog)
    context = {
        "filters": filters,
        "catalog": catalog,
        "under_way": [(run, stage_of(run)) for run in shown.filter(state__in=UNFINISHED)],
        "ended_badly": shown.filter(state__in=[RunState.FAILED, RunState.CANCELLED])[:ENDED_SHOWN],
        "thinkrec": thinkrec.shown(account, catalog),
        "page": Paginator(select.versions(account, catalog), ROWS).get_page(request.GET.get("page")),
        "may_train": may(account.role, Action.TRAIN),
    }
    return render(request, "backbones/backbones.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.TRAIN)
def train(request: HttpRequest) -> HttpResponse:
    account = account_of(request)
    form = TrainForm(request.POST or None, initial={"catalog": request.GET.get("catalog")}, account=account)
    if request.method == "POST" and form.is_valid():
        run = runs.request(
            TRAINING,
            catalog=form.cleaned_data["catalog"],
            config=form.config.to_json(),
            activate=form.cleaned_data["activate"],
            requested_by=account,
        )
        return redirect("reviews:training_run", run.pk)
    context = {"form": form, "catalogs": catalogs_of(account).exists()}
    return render(request, "backbones/train.html", context, status=422 if form.errors else 200)


@require_safe
@never_cache
@requires(Action.SEE_BACKBONES)
def training_run(request: HttpRequest, run_id: int) -> HttpResponse:
    return render(request, "backbones/run.html", _run_context(request, run_id))


@require_safe
@never_cache
@requires(Action.SEE_BACKBONES)
def training_progress(request: HttpRequest, run_id: int) -> HttpResponse:
    """The part of a run's page that asks for itself again until the run has ended."""
    return render(request, "backbones/_progress.html", _run_context(request, run_id))


def _run_context(request: HttpRequest, run_id: int) -> dict[str, Any]:
    run = get_object_or_404(select.runs(account_of(request)), pk=run_id)
    return {
        "order": trained.order(run.config, run.catalog),
        "drawn": trained.drawn(run.version) if hasattr(run, "version") else "",
        "run": run,
        "stage": stage_of(run),
        "epochs": run.progress.get("epochs", []),
        "is_under_way": run.state in UNFINISHED,
        "may_train": may(account_of(request).role, Action.TRAIN),
    }


@require_POST
@requires(Action.TRAIN)
def cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    if runs.cancel(visible(request, TrainingRun.objects.all(), pk=run_id)):
        messages.success(request, "The training is cancelled. It stops within seconds.")
    else:
        messages.info(request, "The training had ended before.")
    return redirect("reviews:training_run", run_id)


@require_POST
@requires(Action.TRAIN)
def cancel_learning(request: HttpRequest, learning_id: int) -> HttpResponse:
    if runs.cancel(visible(request, ThinkrecRun.objects.all(), pk=learning_id)):
        messages.success(request, "The learning is cancelled. It stops within seconds, and nothing of it is kept.")
    else:
        messages.info(request, "The learning had ended before.")
    return redirect("reviews:backbones")


@require_POST
@requires(Action.TRAIN)
def cancel_scoring(request: HttpRequest, scoring_id: int) -> HttpResponse:
    """Of lists or, as both are one kind of run, of an evaluation."""
    run = visible(request, ScoringRun.objects.select_related("catalog"), pk=scoring_id)
    command = "evaluate_thinkrec" if run.is_evaluation else "score_lists"
    if runs.cancel(run):
        messages.success(
            request,
            "The AI is stopped within seconds. What it answered is kept: "
            f"python manage.py {command} {run.catalog.name} --resume {run.pk} goes on.",
        )
    else:
        messages.info(request, "That had ended before.")
    return redirect("reviews:evaluations" if run.is_evaluation else "reviews:backbones")
