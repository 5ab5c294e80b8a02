"""What guards count of served models, for `/metrics`: over all catalogs, because no label names one."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.utils import Error as DatabaseError
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily

from recommender.guards import figures
from recommender.guards.figures import Figures
from recommender.models import Catalog, VersionState, Watch, WatchOutcome
from recommender.process_cache import ProcessCache

log = logging.getLogger(__name__)

KEPT_FOR = 30.0  # seconds; workers count every minute
SIDES = {False: "active", True: "canary"}
HELP = {
    "lists": "Lists in the window of each catalog's guards.",
    "fallback": "Share of those lists that came from the fallback.",
    "coverage": "Share of the items of catalogs that those lists had.",
    "mean_score": "Mean score of the items of those lists.",
    "click_rate": "Share of people who clicked in time, each counted once.",
}


@dataclass(frozen=True, slots=True)
class Read:
    """`gauges`: by name and side; what has nothing to count is missing. `broken`: open watches with a broken guard."""

    gauges: dict[tuple[str, str], float]
    broken: int


KEPT: ProcessCache[str, Read] = ProcessCache("guard figures", most=1)


class Guards:
    """Figures that workers counted, asked of the database when somebody reads them."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield from (*(_family(name) for name in HELP), _broken())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Nothing while the database does not answer."""
        try:
            read = KEPT.get("all", _read, fresh_for=lambda took: KEPT_FOR)
        except DatabaseError as error:
            log.warning("The figures of guards are not known", exc_info=error)
            return
        for name in HELP:
            family = _family(name)
            for side in SIDES.values():
                if (name, side) in read.gauges:
                    family.add_metric([side], read.gauges[name, side])
            yield family
        broken = _broken()
        broken.add_metric([], read.broken)
        yield broken


GUARDS = Guards()


def _family(name: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"r4web_guard_{name}", HELP[name], labels=["side"])


def _broken() -> GaugeMetricFamily:
    said = "Watches of active models and canaries that are under way, and whose guard was broken."
    return GaugeMetricFamily("r4web_guards_broken", said, labels=[])


def _read() -> Read:
    now, found = timezone.now(), list[Figures]()
    for catalog in Catalog.objects.filter(backbone_versions__state=VersionState.ACTIVE).order_by("pk"):
        found += figures.of_catalog(catalog, now)
    gauges: dict[tuple[str, str], float] = {}
    for is_canary, side in SIDES.items():
        for name, value in _together([one for one in found if one.is_canary == is_canary]).items():
            gauges[name, side] = value
    return Read(gauges, Watch.objects.filter(closed_at=None, outcome=WatchOutcome.BROKEN).count())


def _together(found: list[Figures]) -> dict[str, float]:
    rates = [rate for one in found if (rate := one.click_rate)]
    sums = {
        "fallback": (sum(sum(one.counts.codes.values()) for one in found), sum(one.counts.lists for one in found)),
        "coverage": (sum(len(one.items) for one in found), sum(one.catalog_items for one in found)),
        "mean_score": (sum(one.counts.score for one in found), sum(one.counts.scored for one in found)),
        "click_rate": (sum((rate.mean or 0) * rate.count for rate in rates), sum(rate.count for rate in rates)),
    }
    return {"lists": float(sums["fallback"][1])} | {name: part / of for name, (part, of) in sums.items() if of}
