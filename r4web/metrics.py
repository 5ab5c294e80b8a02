"""`/metrics` for Prometheus: what all web processes of this machine counted, and how long the queues are."""

import ipaddress
import logging
import os
import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db.utils import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from r4web.guard_metrics import GUARDS
from r4web.reading_metrics import TEXTS
from recommender.counters import NONE, REGISTRY, REQUESTS
from recommender.models import Round, RoundState
from recommender.process_cache import ProcessCache
from reviews.models import Review, ReviewState

log = logging.getLogger(__name__)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via")  # what proxies add
KEPT_FOR = 10.0  # seconds: whoever asks more often gets the same lengths of queues
KEPT: ProcessCache[str, dict[str, int]] = ProcessCache("queue lengths", most=1)


def timed(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: every answer is counted by its route's name; all addresses that are none have one label."""

    def answer(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = get_response(request)
        seconds = time.perf_counter() - began
        route = request.resolver_match.view_name if request.resolver_match else NONE
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(route, method, f"{response.status_code // 100}xx").observe(seconds)
        return response

    return answer


class Queues:
    """Lengths of queues, asked of the database when somebody reads them."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield from (self._rounds(), self._reviews())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Nothing while the database does not answer: what was counted can be read all the same."""
        try:
            lengths = KEPT.get("all", _lengths, fresh_for=lambda took: KEPT_FOR)
        except DatabaseError as error:
            log.warning("The lengths of queues are not known", exc_info=error)
            return
        rounds, reviews = self._rounds(), self._reviews()
        for state in (RoundState.WAITING, RoundState.ASKING):
            rounds.add_metric([state.value], lengths[state])
        reviews.add_metric([], lengths["reviews"])
        yield from (rounds, reviews)

    def _rounds(self) -> GaugeMetricFamily:
        return GaugeMetricFamily("r4web_rounds", "Rounds that wait for a worker, or that one has.", labels=["state"])

    def _reviews(self) -> GaugeMetricFamily:
        return GaugeMetricFamily("r4web_reviews_open", "Reviews that wait for a decision.", labels=[])


QUEUES = Queues()


def _lengths() -> dict[str, int]:
    """Three counts, each of an index."""
    under_way = {
        state.value: Round.objects.filter(state=state).count() for state in (RoundState.WAITING, RoundState.ASKING)
    }
    return {**under_way, "reviews": Review.objects.filter(state=ReviewState.OPEN).count()}


@csrf_exempt
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """All that was counted, as Prometheus reads it; 401 without the token, 404 from elsewhere where there is none."""
    if settings.METRICS_TOKEN:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not constant_time_compare(given.strip(), settings.METRICS_TOKEN):
            said = "Send the token of R4_METRICS_TOKEN: Authorization: Bearer …\n"
            refused = {"WWW-Authenticate": 'Bearer realm="metrics"'}
            return HttpResponse(said, status=401, content_type="text/plain; charset=utf-8", headers=refused)
    elif not _is_from_here(request):
        raise Http404
    return HttpResponse(generate_latest(_counted()), content_type=CONTENT_TYPE_LATEST)


def _is_from_here(request: HttpRequest) -> bool:
    """Whether a program of this machine asks by itself: what a proxy on it passes on is somebody else's."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _counted() -> CollectorRegistry:
    """What this process counted, or where several share a folder (PROMETHEUS_MULTIPROC_DIR) the sum over them."""
    read = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(read)  # type: ignore[no-untyped-call] # it registers itself
    else:
        read.register(REGISTRY)
    read.register(QUEUES)
    read.register(GUARDS)
    read.register(TEXTS)
    return read
