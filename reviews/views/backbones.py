"""Backbone pages: what was trained and how good it is, starting a training, and putting a version in charge."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from recommender.models import BackboneVersion, Catalog, RunState, TrainingRun, VersionState
from recommender.services import activation, training
from recommender.training.config import ADAPTERS, BACKBONES, TrainConfig
from reviews.guards import account_of, requires
from reviews.policy import Action, may
from reviews.selectors import backbones as select

ROWS = 20
ENDED_SHOWN = 5
DEFAULTS = TrainConfig()
REFUSED = (activation.StaleActivationError, activation.ArtifactMissingError, activation.NothingToRollBackError)


class CatalogFilter(forms.Form):
    catalog = forms.ModelChoiceField(
        Catalog.objects.order_by("name"), required=False, to_field_name="name", empty_label="All catalogs"
    )


class TrainForm(forms.Form):
    """The settings most people change; the command `train_backbone` has more."""

    catalog = forms.ModelChoiceField(Catalog.objects.order_by("name"), to_field_name="name", empty_label=None)
    backbone = forms.ChoiceField(choices=list(BACKBONES.items()), initial=DEFAULTS.backbone)
    adapter = forms.ChoiceField(label="Knowledge adapter", choices=list(ADAPTERS.items()), initial=DEFAULTS.adapter)
    history = forms.IntegerField(
        label="History", initial=DEFAULTS.history, help_text="How many interactions before each example it sees."
    )
    epochs = forms.IntegerField(
        label="Epochs", initial=DEFAULTS.epochs, help_text="At most; it stops when the valid part gets no better."
    )
    seed = forms.IntegerField(initial=DEFAULTS.seed, help_text="The same seed on the same data gives the same scores.")
    activate = forms.BooleanField(
        label="Put it in charge when it is done", required=False, help_text="Else it waits as a candidate."
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        chosen = {name: data[name] for name in ("backbone", "adapter", "history", "epochs", "seed") if name in data}
        try:
            self.config = TrainConfig(**chosen)
        except ValueError as error:  # its message begins with the field's name
            self.add_error(str(error).split(" ", 1)[0], str(error))
        return data


@require_safe
@never_cache
@requires(Action.SEE_BACKBONES)
def backbones(request: HttpRequest) -> HttpResponse:
    filters = CatalogFilter(request.GET)
    catalog = filters.cleaned_data.get("catalog") if filters.is_valid() else None
    runs = select.runs(catalog)
    context = {
        "filters": filters,
        "catalog": catalog,
        "under_way": [(run, select.stage(run)) for run in runs.filter(state__in=select.UNFINISHED)],
        "ended_badly": runs.filter(state__in=[RunState.FAILED, RunState.CANCELLED])[:ENDED_SHOWN],
        "page": Paginator(select.versions(catalog), ROWS).get_page(request.GET.get("page")),
        "may_train": may(account_of(request).role, Action.TRAIN),
    }
    return render(request, "backbones/backbones.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.TRAIN)
def train(request: HttpRequest) -> HttpResponse:
    form = TrainForm(request.POST or None, initial={"catalog": request.GET.get("catalog")})
    if request.method == "POST" and form.is_valid():
        run = training.request_training(
            form.cleaned_data["catalog"],
            config=form.config,
            activate=form.cleaned_data["activate"],
            requested_by=account_of(request),
        )
        return redirect("reviews:training_run", run.pk)
    context = {"form": form, "catalogs": Catalog.objects.exists()}
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
    run = get_object_or_404(select.runs(None), pk=run_id)
    return {
        "run": run,
        "stage": select.stage(run),
        "epochs": run.progress.get("epochs", []),
        "is_under_way": run.state in select.UNFINISHED,
        "may_train": may(account_of(request).role, Action.TRAIN),
    }


@require_POST
@requires(Action.TRAIN)
def cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    if training.cancel(get_object_or_404(TrainingRun, pk=run_id)):
        messages.success(request, "The run is cancelled. A worker that is at it stops within seconds.")
    else:
        messages.info(request, "The run had ended before.")
    return redirect("reviews:training_run", run_id)


@require_safe
@never_cache
@requires(Action.SEE_BACKBONES)
def backbone(request: HttpRequest, version_id: int) -> HttpResponse:
    version = get_object_or_404(select.versions(None), pk=version_id)
    role = account_of(request).role
    previous = activation.previous_version(version.catalog) if version.state == VersionState.ACTIVE else None
    context = {
        "version": version,
        "rows": select.score_rows(version.metrics),
        "parts": [
            (part, version.metrics["samples"][part], version.metrics["coverage"][part])
            for part in ("train", "valid", "test")
        ],
        "activations": version.activations.select_related("account", "previous").order_by("-pk"),
        "may_activate": may(role, Action.ACTIVATE) and version.state != VersionState.ACTIVE,
        "may_roll_back": may(role, Action.ROLL_BACK) and previous is not None,
    }
    return render(request, "backbones/version.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Action.ACTIVATE)
def activate(request: HttpRequest, version_id: int) -> HttpResponse:
    """GET asks; POST does it, unless another version took over since the question was asked."""
    version = get_object_or_404(select.versions(None), pk=version_id)
    return _change(request, version, active=_active(version.catalog), rolls_back=False)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Action.ROLL_BACK)
def roll_back(request: HttpRequest, catalog: str) -> HttpResponse:
    """As `activate`, to the version that the active one took over from."""
    found = get_object_or_404(Catalog, name=catalog)
    return _change(request, activation.previous_version(found), active=_active(found), rolls_back=True)


def _active(catalog: Catalog) -> BackboneVersion | None:
    return select.versions(catalog).filter(state=VersionState.ACTIVE).first()


def _change(
    request: HttpRequest, target: BackboneVersion | None, *, active: BackboneVersion | None, rolls_back: bool
) -> HttpResponse:
    error = "" if target else "There is no earlier version to go back to."
    if request.method == "POST" and target:
        by, seen = account_of(request), _number(request.POST.get("seen", ""))
        try:
            if rolls_back:
                target = activation.roll_back(target.catalog, by=by, seen=seen).version
            else:
                activation.activate(target, by=by, seen=seen)
        except REFUSED as refusal:
            error = f"Nothing was changed. {refusal}"
        else:
            messages.success(request, f"Version {target.number} of {target.catalog} is in charge.")
            return redirect("reviews:backbone", target.pk)
    rows = select.score_rows(target.metrics)[:3] if target else []
    before = {row.label: row.with_knowledge for row in select.score_rows(active.metrics)[:3]} if active else {}
    context = {
        "target": target,
        "active": active,
        "rolls_back": rolls_back,
        "error": error,
        "rows": [(row.label, row.with_knowledge, before.get(row.label)) for row in rows],
        "is_refused": not target or active == target,
    }
    return render(request, "backbones/change.html", context, status=409 if error else 200)


def _number(text: str) -> int:
    """The number of the version seen in charge; what is no number matches none."""
    return int(text) if text.isdecimal() else -1
