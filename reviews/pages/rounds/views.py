"""Rounds pages: how far the work of the models is, what each round said and cost, and what a lead can do about it."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from recommender.accounts.visible import catalogs_of
from recommender.models import FOR_KNOWLEDGE, Round, RoundBatch
from recommender.rounds import service as services
from recommender.rounds.approved import tally
from recommender.rounds.config import HALF_BY_CHANCE, PURPOSES, STRATEGIES, SUBJECTS, WINDOWS
from recommender.rounds.estimate import estimate
from recommender.rounds.queries import proposed, strategy_of
from recommender.setting import label_of
from reviews.guards import account_of, is_htmx, requires, visible
from reviews.pages.filters import CatalogFilter
from reviews.pages.rounds import queries as select
from reviews.pages.rounds.forms import LimitForm, OpenForm
from reviews.policy import Action, may
from reviews.room.use import use_of
from reviews.templatetags import words

BATCHES, ROUNDS = 20, 50  # rows of a page
STATES = [("", "All"), *words.STATES.items(), ("malformed", "Not readable or cancelled")]


@require_safe
@never_cache
@requires(Action.SEE_ROUNDS)
def rounds(request: HttpRequest) -> HttpResponse:
    filters = CatalogFilter(request)
    page = Paginator(select.batches(account_of(request), filters.chosen), BATCHES).get_page(request.GET.get("page"))
    context = {
        "filters": filters,
        "catalog": filters.chosen,
        "page": page,
        "is_under_way": select.under_way(page.object_list),
        "may_open": may(account_of(request).role, Action.OPEN_ROUNDS),
    }
    return render(request, "rounds/_batches.html" if is_htmx(request) else "rounds/rounds.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.OPEN_ROUNDS)
def open_rounds(request: HttpRequest) -> HttpResponse:
    account = account_of(request)
    form = OpenForm(request.POST or None, initial={"catalog": request.GET.get("catalog")}, account=account)
    context: dict[str, Any] = {"form": form, "catalogs": catalogs_of(account).exists()}
    if request.method == "POST" and form.is_valid():
        if "estimate" not in request.POST:
            batch = services.open_rounds(form.cleaned_data["catalog"], form.config, requested_by=account)
            if fewer := services.fewer_apart(batch, form.config):
                messages.warning(request, fewer)
            return redirect("reviews:round_batch", batch.pk)
        context["estimate"] = estimate(form.cleaned_data["catalog"], form.config)
    return render(request, "rounds/open.html", context, status=422 if form.errors else 200)


@require_safe
@never_cache
@requires(Action.SEE_ROUNDS)
def batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    """A batch's page; to htmx, the part that asks for itself again until all rounds have ended."""
    batch_ = visible(request, RoundBatch.objects.select_related("catalog", "requested_by"), pk=batch_id)
    state = request.GET.get("state", "")
    state = state if state in dict(STATES) else ""
    role = account_of(request).role
    context = {
        "batch": batch_,
        "shown": select.batch_progress(batch_),
        "page": Paginator(select.rounds_of(batch_, state=state), ROUNDS).get_page(request.GET.get("page")),
        "state": state,
        "states": STATES,
        "subjects": label_of(SUBJECTS, batch_.subjects),
        "strategy": label_of({**STRATEGIES, **PURPOSES}, batch_.strategy),
        "is_for_knowledge": batch_.strategy in FOR_KNOWLEDGE,
        "traces": tally(batch_.rounds.all()),
        "window": label_of(WINDOWS, batch_.window) if batch_.catalog.ordered else HALF_BY_CHANCE,
        "may_retry": may(role, Action.RETRY_ROUNDS),
        "may_see_reviews": may(role, Action.SEE_QUEUE),
    }
    return render(request, "rounds/_batch.html" if is_htmx(request) else "rounds/batch.html", context)


@require_POST
@requires(Action.RETRY_ROUNDS)
def retry_batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    batch_ = visible(request, RoundBatch.objects.all(), pk=batch_id)
    return _retry(request, batch_.rounds.all(), redirect("reviews:round_batch", batch_id))


@require_POST
@requires(Action.RETRY_ROUNDS)
def cancel_batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    batch_ = visible(request, RoundBatch.objects.all(), pk=batch_id)
    return _cancel(request, batch_.rounds.all(), redirect("reviews:round_batch", batch_id))


@require_POST
@requires(Action.RETRY_ROUNDS)
def pause_batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    services.pause(visible(request, RoundBatch.objects.all(), pk=batch_id))
    messages.success(request, "Paused. What is being asked right now is still stored.")
    return redirect("reviews:round_batch", batch_id)


@require_POST
@requires(Action.RETRY_ROUNDS)
def resume_batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    batch_ = visible(request, RoundBatch.objects.select_related("catalog"), pk=batch_id)
    form = LimitForm(request.POST)
    if not form.is_valid():
        messages.error(request, "The limit must be a whole number above 0, or empty for none.")
        return redirect("reviews:round_batch", batch_id)
    count = services.resume(batch_, most_tokens=form.cleaned_data["most_tokens"])
    if count:
        messages.success(request, "1 text goes on." if count == 1 else f"{count} texts go on.")
    else:
        messages.warning(request, "Nothing goes on yet: the limit is below what was spent, or nothing waits.")
    return redirect("reviews:round_batch", batch_id)


@require_safe
@never_cache
@requires(Action.SEE_ROUNDS)
def show_round(request: HttpRequest, round_id: int) -> HttpResponse:
    rows = Round.objects.select_related("catalog", "batch", "end_user", "item", "review")
    round_ = visible(request, rows, pk=round_id)
    role = account_of(request).role
    context: dict[str, Any] = {
        "round": round_,
        "turns": select.turns_of(round_),
        "calls": select.calls_of(round_),
        "proposed": proposed(round_),
        "is_filtered": strategy_of(round_).samples_drafts,
        "is_unfinished": round_.state in select.UNFINISHED,
        "is_retryable": Round.objects.filter(services.RETRYABLE, pk=round_.pk).exists(),
        "may_retry": may(role, Action.RETRY_ROUNDS),
        "may_see_reviews": may(role, Action.SEE_QUEUE),
        "may_see_backbones": may(role, Action.SEE_BACKBONES),
        "use": use_of(round_),
    }
    return render(request, "rounds/round.html", context)


@require_POST
@requires(Action.RETRY_ROUNDS)
def retry_round(request: HttpRequest, round_id: int) -> HttpResponse:
    round_ = visible(request, Round.objects.all(), pk=round_id)
    return _retry(request, Round.objects.filter(pk=round_.pk), redirect("reviews:round", round_id))


@require_POST
@requires(Action.RETRY_ROUNDS)
def cancel_round(request: HttpRequest, round_id: int) -> HttpResponse:
    round_ = visible(request, Round.objects.all(), pk=round_id)
    return _cancel(request, Round.objects.filter(pk=round_.pk), redirect("reviews:round", round_id))


def _retry(request: HttpRequest, of: QuerySet[Round], answer: HttpResponse) -> HttpResponse:
    if count := services.retry(of):
        messages.success(request, "1 text goes on." if count == 1 else f"{count} texts go on from where they stopped.")
    else:
        messages.info(request, "Nothing to try again: only what failed or was cancelled can be.")
    return answer


def _cancel(request: HttpRequest, of: QuerySet[Round], answer: HttpResponse) -> HttpResponse:
    if count := services.cancel(of):
        messages.success(request, f"{count} text{'' if count == 1 else 's'} cancelled. What was written is kept.")
    else:
        messages.info(request, "Nothing to cancel: all were done.")
    return answer
