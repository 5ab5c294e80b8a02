"""The queue page: what waits, and the way into the next review."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from reviews.guards import account_of, requires
from reviews.policy import Action
from reviews.room import leases
from reviews.room.forms import QueueFilters
from reviews.room.queue import queue as select_queue
from reviews.room.queue import queue_counts

ROWS = 25


@require_safe
@never_cache
@requires(Action.SEE_QUEUE)
def queue(request: HttpRequest) -> HttpResponse:
    account, now = account_of(request), timezone.now()
    filters = QueueFilters(request.GET)
    chosen = filters.cleaned_data if filters.is_valid() else {}
    reviews = select_queue(
        account, catalog=chosen.get("catalog"), kind=chosen.get("kind", ""), state=chosen.get("state", "")
    )
    context = {
        "now": now,
        "counts": queue_counts(account, now=now),
        "filters": filters,
        "is_filtered": any(chosen.values()),
        "state": chosen.get("state") or "open",
        "page": Paginator(reviews, ROWS).get_page(request.GET.get("page")),
    }
    return render(request, "reviews/queue.html", context)


@require_POST
@requires(Action.DECIDE)
def start(request: HttpRequest) -> HttpResponse:
    """Claim the next review and open it."""
    return _open_next(request)


def _open_next(request: HttpRequest) -> HttpResponse:
    slot = leases.take_next(account_of(request), now=timezone.now())
    if slot is None:
        messages.info(request, "There is nothing to review right now.")
        return redirect("reviews:queue")
    return redirect("reviews:review", slot.review_id)


@require_POST
@requires(Action.DECIDE)
def unskip(request: HttpRequest) -> HttpResponse:
    """Offer the reviews again that the annotator skipped, and open the first."""
    leases.unskip(account_of(request))
    return _open_next(request)
