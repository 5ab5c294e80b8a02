"""Evaluation pages: whether knowledge helps, in words, tables and plots; starting, stopping and resuming one."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from recommender.dataset.split import SPLITS
from recommender.evaluation.arms import ARMS, DEFAULT_ARMS, MOST_SEEDS, SEEDS, Study
from recommender.models import Catalog, Evaluation, RunState
from recommender.recipe import BACKBONES, TrainConfig
from recommender.runs import service as runs
from recommender.runs.kinds import EVALUATION
from reviews.guards import account_of, is_htmx, requires
from reviews.pages.evaluations import queries as select
from reviews.pages.filters import CatalogFilter
from reviews.policy import Action, may

ROWS = 20
DEFAULTS = TrainConfig()


class EvaluationForm(forms.Form):
    """The settings most people change; the command `evaluate` has more."""

    catalog = forms.ModelChoiceField(Catalog.objects.order_by("name"), to_field_name="name", empty_label=None)
    backbones = forms.MultipleChoiceField(
        choices=list(BACKBONES.items()), initial=[DEFAULTS.backbone], widget=forms.CheckboxSelectMultiple
    )
    arms = forms.MultipleChoiceField(
        label="What is compared",
        choices=[(name, arm.label[0].upper() + arm.label[1:]) for name, arm in ARMS.items()],
        initial=list(DEFAULT_ARMS),
        widget=forms.CheckboxSelectMultiple,
        help_text="Without controls nobody can say that it is the knowledge which helps.",
    )
    split = forms.ChoiceField(choices=[(name, f"{name}: {what}") for name, what in SPLITS.items()])
    seeds = forms.IntegerField(
        initial=SEEDS,
        min_value=1,
        max_value=MOST_SEEDS,
        help_text=f"How often each is trained. A claim takes {SEEDS}; with fewer it is a lead.",
    )
    users = forms.IntegerField(
        label="Share of the end users, in %",
        initial=100,
        min_value=1,
        max_value=100,
        help_text="Fewer are quicker and give wider intervals.",
    )
    epochs = forms.IntegerField(
        initial=DEFAULTS.epochs, help_text="At most; a fit stops when the valid part gets no better."
    )
    proposals = forms.BooleanField(
        label="Take open proposals as approved",
        required=False,
        help_text="What would texts do that nobody has reviewed yet? The report says that they are unreviewed.",
    )
    metadata_text = forms.BooleanField(
        label="Encode titles and attributes for the model without knowledge too",
        required=False,
        initial=True,
        help_text="The harder comparison: what is left is what the knowledge texts add to plain facts.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        try:
            self.study = Study(
                backbones=tuple(data["backbones"]),
                arms=tuple(data["arms"]),
                seeds=data["seeds"],
                users=data["users"] / 100,
                settings={name: data[name] for name in ("split", "epochs", "metadata_text")},
                proposals=data["proposals"],
            )
        except ValueError as error:  # its message begins with the field's name
            name = str(error).split(" ", 1)[0]
            self.add_error(name if name in self.fields else None, str(error))
        return data


@require_safe
@never_cache
@requires(Action.SEE_BACKBONES)
def evaluations(request: HttpRequest) -> HttpResponse:
    filters = CatalogFilter(request.GET)
    catalog = filters.cleaned_data.get("catalog") if filters.is_valid() else None
    page = Paginator(select.evaluations(catalog), ROWS).get_page(request.GET.get("page"))
    context = {
        "filters": filters,
        "catalog": catalog,
        "page": page,
        "rows": [(one, *select.headline(one), select.fits_asked(one)) for one in page],
        "may_start": may(account_of(request).role, Action.EVALUATE),
    }
    return render(request, "evaluations/evaluations.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.EVALUATE)
def start(request: HttpRequest) -> HttpResponse:
    form = EvaluationForm(request.POST or None, initial={"catalog": request.GET.get("catalog")})
    if request.method == "POST" and form.is_valid():
        asked = runs.request(
            EVALUATION,
            catalog=form.cleaned_data["catalog"],
            config=form.study.to_json(),
            requested_by=account_of(request),
        )
        return redirect("reviews:evaluation", asked.pk)
    context = {"form": form, "catalogs": Catalog.objects.exists()}
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
    found = get_object_or_404(select.evaluations(None), pk=evaluation_id)
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
    if runs.cancel(get_object_or_404(Evaluation, pk=evaluation_id)):
        messages.success(request, "The evaluation is cancelled. What was done is kept, and it can be resumed.")
    else:
        messages.info(request, "The evaluation had ended before.")
    return redirect("reviews:evaluation", evaluation_id)


@require_POST
@requires(Action.EVALUATE)
def resume(request: HttpRequest, evaluation_id: int) -> HttpResponse:
    found = get_object_or_404(Evaluation, pk=evaluation_id)
    if found.state in (RunState.FAILED, RunState.CANCELLED):
        runs.resume(found)
        messages.success(request, "The evaluation goes on with what is missing.")
    else:
        messages.info(request, "The evaluation is under way or done: there is nothing to resume.")
    return redirect("reviews:evaluation", evaluation_id)
