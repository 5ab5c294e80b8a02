"""One backbone version's page: its gates, its receipt, activating it, and trying it on real requests."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from recommender.guards.judging import LABELS as GUARDS
from recommender.guards.settings import settings_of_catalog
from recommender.models import BackboneVersion, Catalog, Rollout, RolloutMode, VersionState
from recommender.promotion import activation, rollouts, service
from recommender.promotion.gates import LABELS, QUALITY
from reviews.guards import account_of, requires, visible
from reviews.pages.backbones import queries as select
from reviews.pages.backbones import trained
from reviews.pages.versions import queries as of_version
from reviews.pages.versions.forms import ReasonForm, RolloutForm
from reviews.policy import Action, may


@require_safe
@never_cache
@requires(Action.SEE_BACKBONES)
def backbone(request: HttpRequest, version_id: int) -> HttpResponse:
    return render(request, "backbones/version.html", _context(request, version_id))


def _context(request: HttpRequest, version_id: int, **also: Any) -> dict[str, Any]:
    account = account_of(request)
    version = get_object_or_404(select.versions(account).select_related("receipt__previous"), pk=version_id)
    role = account.role
    previous = activation.previous_version(version.catalog) if version.state == VersionState.ACTIVE else None
    receipt = getattr(version, "receipt", None)
    running = Rollout.objects.filter(catalog=version.catalog, ended_at=None).select_related("version").first()
    mine = running if running and running.version_id == version.pk else None
    shown = mine or version.rollouts.order_by("pk").last()
    rows = select.score_rows(version.metrics)
    initial = {"mode": mine.mode, "percent": mine.share * 100} if mine else None
    return {
        "version": version,
        "rows": rows,
        "gain": rows[0] if rows[0].gain is not None else None,  # of the test part's AUC
        "parts": [
            (part, version.metrics["samples"][part], version.metrics["coverage"][part])
            for part in ("train", "valid", "test")
        ],
        "calibration": trained.calibration(version.metrics),
        "openings": trained.openings(version),
        "facts": trained.facts(version),
        "drawn": trained.drawn(version),
        "gate_start": trained.GATE_START,
        "gates": of_version.gates(version),
        "receipt": receipt,
        "entered": of_version.entered(receipt) if receipt else None,
        "titles": of_version.titles(receipt) if receipt else {},
        "quality": [(name, LABELS[name]) for name in QUALITY],
        "rollout": mine,
        "other_rollout": running if running and not mine else None,
        "last_rollout": shown,
        "tried": of_version.tried(shown) if shown else None,
        "rollout_form": RolloutForm(initial=initial),
        "events": of_version.events(version),
        "figures": of_version.figures(version),
        "guard_labels": GUARDS.values(),
        "guard_settings": settings_of_catalog(version.catalog),
        "may_see_reviews": may(role, Action.SEE_QUEUE),
        "may_check": may(role, Action.CHECK_GATES),
        "may_activate": may(role, Action.ACTIVATE) and version.state != VersionState.ACTIVE,
        "may_roll_back": may(role, Action.ROLL_BACK) and previous is not None,
        "may_roll_out": may(role, Action.ROLL_OUT) and version.state != VersionState.ACTIVE,
    } | also


@require_safe
@never_cache
@requires(Action.SEE_BACKBONES)
def gates(request: HttpRequest, version_id: int) -> HttpResponse:
    """The part of a version's page that asks for itself again while its gates are being measured."""
    version = _version(request, version_id)
    gates_ = of_version.gates(version)
    context = {"version": version, "gates": gates_, "may_check": may(account_of(request).role, Action.CHECK_GATES)}
    response = render(request, "backbones/_gates.html", context)
    if not gates_.under_way:
        response["HX-Refresh"] = "true"  # the receipt and what may be done now are elsewhere on the page
    return response


@require_POST
@requires(Action.CHECK_GATES)
def check_gates(request: HttpRequest, version_id: int) -> HttpResponse:
    version = _version(request, version_id)
    service.request_examination(version, requested_by=account_of(request))
    return redirect("reviews:backbone", version_id)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Action.ACTIVATE)
def activate(request: HttpRequest, version_id: int) -> HttpResponse:
    """GET asks; POST does it, unless another version took over since the question was asked or a gate is in the way."""
    version = _version(request, version_id)
    return _change(request, version, active=_active(request, version.catalog), rolls_back=False)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Action.ROLL_BACK)
def roll_back(request: HttpRequest, catalog: str) -> HttpResponse:
    """As `activate`, to the version that the active one took over from; no gate is in its way."""
    catalog_ = visible(request, Catalog.objects.all(), at="pk", name=catalog)
    return _change(request, activation.previous_version(catalog_), active=_active(request, catalog_), rolls_back=True)


def _version(request: HttpRequest, version_id: int) -> BackboneVersion:
    return get_object_or_404(select.versions(account_of(request)), pk=version_id)


def _active(request: HttpRequest, catalog: Catalog) -> BackboneVersion | None:
    return select.versions(account_of(request), catalog).filter(state=VersionState.ACTIVE).first()


def _change(
    request: HttpRequest, target: BackboneVersion | None, *, active: BackboneVersion | None, rolls_back: bool
) -> HttpResponse:
    error = "" if target else "There is no earlier model to go back to."
    objections = [] if rolls_back or not target or active == target else activation.objections(target, active)
    may_override = may(account_of(request).role, Action.OVERRIDE_GATES)
    asks_why = rolls_back and target is not None and target != active
    form = ReasonForm(request.POST or None) if asks_why or (objections and may_override) else None
    status = 409 if error else 200
    if request.method == "POST" and target:
        # A stale form is told so first: what it was about has changed.
        if form and (asks_why or "reason" in request.POST) and not form.is_valid() and not _is_stale(request, active):
            status = 422
        else:
            reason = form.cleaned_data["reason"] if form and form.is_valid() else ""
            try:
                return _done(request, target, reason=reason, rolls_back=rolls_back)
            except activation.RefusedError as refusal:
                error, status = f"Nothing was changed. {refusal}", 409
    rows = select.score_rows(target.metrics)[:3] if target else []
    before = {row.label: row.with_knowledge for row in select.score_rows(active.metrics)[:3]} if active else {}
    context = {
        "target": target,
        "active": active,
        "rolls_back": rolls_back,
        "error": error,
        "objections": objections,
        "form": form,
        "rows": [(row.label, row.with_knowledge, before.get(row.label)) for row in rows],
        "is_refused": not target or active == target or (objections and form is None),
    }
    return render(request, "backbones/change.html", context, status=status)


def _done(request: HttpRequest, target: BackboneVersion, *, reason: str, rolls_back: bool) -> HttpResponse:
    """Change which version is active. Raises RefusedError."""
    by, seen = account_of(request), _number(request.POST.get("seen", ""))
    if rolls_back:
        taken = activation.roll_back(target.catalog, by=by, seen=seen, reason=reason).version
    else:
        taken = activation.activate(target, by=by, seen=seen, override=reason).version
    messages.success(request, f"Model {taken.number} of {taken.catalog} is active now.")
    return redirect("reviews:backbone", taken.pk)


def _is_stale(request: HttpRequest, active: BackboneVersion | None) -> bool:
    return _number(request.POST.get("seen", "")) != (active.number if active else activation.NOBODY)


def _number(text: str) -> int:
    """The number of the version that was seen active; what is no number matches none."""
    return int(text) if text.isdecimal() else -1


@require_POST
@requires(Action.ROLL_OUT)
def roll_out(request: HttpRequest, version_id: int) -> HttpResponse:
    """Start trying a version, or go on with another share or in another way.

    Where people are to get its lists, that is asked once more.
    """
    version = _version(request, version_id)
    form = RolloutForm(request.POST)
    error, status = "", 422
    if form.is_valid():
        mode, percent = RolloutMode(form.cleaned_data["mode"]), form.cleaned_data["percent"]
        if mode == RolloutMode.CANARY and "confirmed" not in request.POST:
            context = {
                "version": version,
                "active": _active(request, version.catalog),
                "percent": f"{percent:g}",
                "form": form,
                "watched": settings_of_catalog(version.catalog).watch,
                "about": round(version.catalog.end_users.count() * percent / 100),
            }
            return render(request, "backbones/confirm_canary.html", context)
        try:
            rollouts.start(version, mode=mode, share=percent / 100, by=account_of(request))
        except rollouts.RolloutRefusedError as refusal:
            error, status = f"Nothing was changed. {refusal}", 409
        else:
            messages.success(request, f"Model {version.number} is being tried.")
            return redirect("reviews:backbone", version_id)
    context = _context(request, version_id, rollout_form=form, rollout_error=error)
    return render(request, "backbones/version.html", context, status=status)


@require_POST
@requires(Action.ROLL_OUT)
def stop_roll_out(request: HttpRequest, version_id: int) -> HttpResponse:
    running = Rollout.objects.filter(version=_version(request, version_id), ended_at=None).first()
    if running and rollouts.stop(running, by=account_of(request)):
        messages.success(request, "Stopped. Everybody gets the active model's lists.")
    else:
        messages.info(request, "It had ended before.")
    return redirect("reviews:backbone", version_id)
