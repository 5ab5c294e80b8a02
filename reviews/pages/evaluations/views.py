"""Evaluation pages: whether knowledge helps, in words, tables and plots; starting, stopping and resuming one."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from recommender.accounts.visible import catalogs_of
from recommender.evaluation.arms import Study
from recommender.models import Evaluation, RunState
from recommender.recipe import TrainConfig
from recommender.runs import service as runs
from recommender.runs.kinds import EVALUATION
from recommender.setting import Setting, settings_of
from reviews.guards import account_of, is_htmx, requires, visible
from reviews.pages.evaluations import queries as select
from reviews.pages.evaluations import thinkrec
from reviews.pages.filters import CatalogFilter
from reviews.pages.setting_forms import SettingsForm, require_fitting
from reviews.policy import Action, may

ROWS = 20
OF_THE_STUDY = ("backbones", "arms", "seeds", "proposals")  # what the form asks for
OF_TRAINING = ("split", "valid_from", "test_from", "epochs", "metadata_text")


class EvaluationForm(SettingsForm):
    """The settings most people change; the command `evaluate` has more. `study`: once it is valid."""

    special = {"metadata_text": {"initial": True}}

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        share = settings_of(Study)["users"]
        self.fields["users"] = forms.IntegerField(
            label=f"{share.label}, in %", help_text=share.help, initial=100, min_value=1, max_value=100
        )
        self.order_fields(["catalog", "backbones", "arms", *OF_TRAINING[:3], "seeds", "users", "epochs"])

    def settings(self) -> dict[str, Setting]:
        told = settings_of(TrainConfig) | settings_of(Study)
        return {name: told[name] for name in (*OF_THE_STUDY, *OF_TRAINING)}

    def build(self, chosen: dict[str, Any], data: dict[str, Any]) -> None:
        settings = {name: chosen.pop(name) for name in OF_TRAINING if name in chosen}
        self.study = Study(**chosen, users=data.get("users", 100) / 100, settings=settings)
        split, backbones = TrainConfig.from_json(settings).split, self.study.backbones
        require_fitting(data.get("catalog"), split=split, field="backbones", backbones=backbones)


@require_safe
@never_cache
@requires(Action.SEE_BACKBONES)
def evaluations(request: HttpRequest) -> HttpResponse:
    filters = CatalogFilter(request)
    page = Paginator(select.evaluations(account_of(request), filters.chosen), ROWS).get_page(request.GET.get("page"))
    context = {
        "filters": filters,
        "catalog": filters.chosen,
        "page": page,
        "rows": [(one, *select.headline(one), select.fits_asked(one)) for one in page],
        "may_start": may(account_of(request).role, Action.EVALUATE),
        "thinkrec": thinkrec.evaluations(account_of(request), filters.chosen) if page.number == 1 else [],
    }
    return render(request, "evaluations/evaluations.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.EVALUATE)
def start(request: HttpRequest) -> HttpResponse:
    account = account_of(request)
    form = EvaluationForm(request.POST or None, initial={"catalog": request.GET.get("catalog")}, account=account)
    if request.method == "POST" and form.is_valid():
        asked = runs.request(
            EVALUATION,
            catalog=form.cleaned_data["catalog"],
            config=form.study.to_json(),
            requested_by=account,
        )
        return redirect("reviews:evaluation", asked.pk)
    context = {"form": form, "catalogs": catalogs_of(account).exists()}
    return render(request, "evaluations/start.html", context, status=422 if form.errors else 200)


@require_safe
@never_cache
@requires(Action.SEE_BACKBONES)
def evaluation(request: HttpRequest, evaluation_id: int) -> HttpResponse:
    context = _progress(request, evaluation_id)
    found = context["evaluation"]
    context |= {"sections": select.sections(found), "across": select.across(found), "about": select.about(found)}
    return render(request, "evaluations/evaluation.html", context)


@require_safe
@never_cache
@requires(Action.SEE_BACKBONES)
def progress(request: HttpRequest, evaluation_id: int) -> HttpResponse:
    """The part of the page that asks for itself again. The whole page is loaded again when a fit is done."""
    context = _progress(request, evaluation_id)
    response = render(request, "evaluations/_progress.html", context)
    if is_htmx(request) and (not context["is_under_way"] or request.GET.get("done") != str(context["done"])):
        response["HX-Refresh"] = "true"
    return response


def _progress(request: HttpRequest, evaluation_id: int) -> dict[str, Any]:
    found = get_object_or_404(select.evaluations(account_of(request)), pk=evaluation_id)
    return {
        "evaluation": found,
        "done": found.fits.count(),
        "asked": select.fits_asked(found),
        "stage": select.stage(found),
        "epochs": found.progress.get("epochs", [])[-1:],
        "is_under_way": found.state in runs.UNFINISHED,
        "may_start": may(account_of(request).role, Action.EVALUATE),
        "may_resume": found.state in (RunState.FAILED, RunState.CANCELLED),
    }


@require_POST
@requires(Action.EVALUATE)
def cancel(request: HttpRequest, evaluation_id: int) -> HttpResponse:
    if runs.cancel(visible(request, Evaluation.objects.all(), pk=evaluation_id)):
        messages.success(request, "The evaluation is cancelled. What was done is kept, and it can be resumed.")
    else:
        messages.info(request, "The evaluation had ended before.")
    return redirect("reviews:evaluation", evaluation_id)


@require_POST
@requires(Action.EVALUATE)
def resume(request: HttpRequest, evaluation_id: int) -> HttpResponse:
    found = visible(request, Evaluation.objects.all(), pk=evaluation_id)
    if found.state in (RunState.FAILED, RunState.CANCELLED):
        runs.resume(found)
        messages.success(request, "The evaluation goes on with what is missing.")
    else:
        messages.info(request, "The evaluation is under way or done: there is nothing to resume.")
    return redirect("reviews:evaluation", evaluation_id)
