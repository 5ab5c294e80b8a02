"""Pages of groups: which there are, what tells each apart, where one user stands, and making new ones."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from recommender.accounts.visible import catalogs_of
from recommender.models import Catalog, Grouping, RunState
from recommender.runs import service as runs
from recommender.runs.kinds import GROUPING, stage_of
from recommender.serving.queries import end_user_named
from recommender.thinkrec.experts.grouped import GroupingFilesError, newest
from reviews.guards import account_of, is_htmx, requires, visible
from reviews.pages.experts import queries as select
from reviews.pages.experts.forms import GroupingForm
from reviews.pages.filters import FindForm
from reviews.policy import Action, may

ENDED_BADLY = (RunState.FAILED, RunState.CANCELLED)


@require_safe
@never_cache
@requires(Action.BROWSE_EXPLANATIONS)
def experts(request: HttpRequest) -> HttpResponse:
    """The newest groups of a catalog. A whole id opens that user's page at once."""
    account = account_of(request)
    first = catalogs_of(account).first()
    if first is None:
        return render(request, "experts/experts.html", {"catalog": None})
    form = FindForm({"catalog": first.name} | request.GET.dict(), account=account, label="User's id")
    if not form.is_valid():
        return render(request, "experts/experts.html", {"form": form, "catalog": first}, status=422)
    catalog, text = form.cleaned_data["catalog"], form.cleaned_data["q"]
    if text and end_user_named(catalog.name, text, asker=account):
        return redirect("reviews:experts_end_user", catalog.name, text)
    context = _asked(request, catalog) | {"form": form, "text": text}
    if grouping := newest(catalog):
        try:
            context["page"] = select.page_of(grouping)
        except GroupingFilesError as error:
            context["files"] = str(error)
    return render(request, "experts/experts.html", context)


@require_safe
@never_cache
@requires(Action.BROWSE_EXPLANATIONS)
def end_user(request: HttpRequest, catalog: str, user_id: str) -> HttpResponse:
    """One user among the groups, and what each group's expert changes in their list."""
    found = end_user_named(catalog, user_id, asker=account_of(request))
    if found is None:
        raise Http404("There is no such user in this catalog.")
    scored, grouping = select.scored_by_experts(found) or (None, newest(found.catalog))
    context: dict[str, Any] = {"end_user": found, "catalog": found.catalog, "grouping": grouping}
    context["may_train"] = may(account_of(request).role, Action.TRAIN)
    if grouping:
        try:
            context["case"] = select.case(found, grouping, chosen=request.GET.get("group", ""), scored=scored)
        except GroupingFilesError as error:
            context["files"] = str(error)
    return render(request, "experts/end_user.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.TRAIN)
def start(request: HttpRequest) -> HttpResponse:
    account = account_of(request)
    form = GroupingForm(request.POST or None, initial={"catalog": request.GET.get("catalog")}, account=account)
    if request.method == "POST" and form.is_valid():
        catalog = form.cleaned_data["catalog"]
        runs.request(GROUPING, catalog=catalog, config=form.config.to_json(), requested_by=account)
        return _to(catalog)
    context = {"form": form, "catalogs": catalogs_of(account).exists()}
    return render(request, "experts/start.html", context, status=422 if form.errors else 200)


@require_safe
@never_cache
@requires(Action.BROWSE_EXPLANATIONS)
def progress(request: HttpRequest, grouping_id: int) -> HttpResponse:
    """The part of the page that asks for itself again. The whole page is loaded again when the run has ended."""
    run = get_object_or_404(select.groupings(account_of(request)), pk=grouping_id)
    response = render(request, "experts/_progress.html", _state(request, run))
    if is_htmx(request) and run.state not in runs.UNFINISHED:
        response["HX-Refresh"] = "true"
    return response


@require_POST
@requires(Action.TRAIN)
def cancel(request: HttpRequest, grouping_id: int) -> HttpResponse:
    run = visible(request, Grouping.objects.select_related("catalog"), pk=grouping_id)
    if runs.cancel(run):
        messages.success(request, "Making groups is cancelled. It stops within seconds; earlier groups stay.")
    else:
        messages.info(request, "Making groups had ended before.")
    return _to(run.catalog)


def _to(catalog: Catalog) -> HttpResponse:
    response = redirect("reviews:experts")
    response["Location"] += f"?catalog={catalog.name}"
    return response


def _asked(request: HttpRequest, catalog: Catalog) -> dict[str, Any]:
    last = select.last_asked(catalog)
    about = _state(request, last) if last else {}
    return {"catalog": catalog, "may_start": may(account_of(request).role, Action.TRAIN)} | about


def _state(request: HttpRequest, run: Grouping) -> dict[str, Any]:
    return {
        "run": run,
        "stage": stage_of(run),
        "left": select.remaining(run),
        "is_under_way": run.state in runs.UNFINISHED,
        "ended_badly": run.state in ENDED_BADLY,
        "may_start": may(account_of(request).role, Action.TRAIN),
    }
