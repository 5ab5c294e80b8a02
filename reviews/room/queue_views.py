"""The queue page: what waits, and the way into the next review."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from reviews.guards import account_of, requires
from reviews.keyset import page_of
from reviews.models import ReviewState
from reviews.policy import Action
from reviews.room import leases, undo
from reviews.room.forms import QueueFilters
from reviews.room.queue import queue as select_queue
from reviews.room.queue import queue_counts
from reviews.room.stream import Stream

ROWS = 25


@require_safe
@never_cache
@requires(Action.SEE_QUEUE)
def queue(request: HttpRequest) -> HttpResponse:
    account, now = account_of(request), timezone.now()
    filters, stream = QueueFilters(request.GET, account=account), Stream.of(request.GET, account)
    state = filters.cleaned_data["state"] if filters.is_valid() else ""
    reviews = select_queue(account, stream=stream, state=state)
    context = {
        "now": now,
        "counts": queue_counts(account, stream=stream, now=now),
        "filters": filters,
        "is_filtered": bool(state) or not stream.is_everything,
        "state": state or "open",
        "stream": stream,
        "last": next(iter(undo.last(account, most=1)), None),
        "page": page_of(reviews, request.GET, by="place", size=ROWS, latest_first=state == ReviewState.DONE),
    }
    return render(request, "reviews/queue.html", context)


@require_POST
@requires(Action.DECIDE)
def start(request: HttpRequest) -> HttpResponse:
    """Claim the next review of the stream and open it."""
    return _open_next(request)


def _open_next(request: HttpRequest) -> HttpResponse:
    account = account_of(request)
    stream = Stream.of(request.POST, account)
    slot = leases.take_next(account, stream=stream, now=timezone.now())
    if slot is None:
        messages.info(request, "There is nothing to review right now.")
        return redirect(reverse("reviews:queue") + stream.query)
    return redirect(reverse("reviews:review", args=[slot.review_id]) + stream.query)


@require_POST
@requires(Action.DECIDE)
def unskip(request: HttpRequest) -> HttpResponse:
    """Offer the reviews again that the annotator skipped, and open the first."""
    leases.unskip(account_of(request))
    return _open_next(request)
