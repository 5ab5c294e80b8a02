"""How the active model and a canary did lately, side by side: sums of hours, so that reading them costs the same
however many lists were served."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from recommender.guards import watches
from recommender.guards.settings import settings_of_catalog
from recommender.guards.tallies import Counts
from recommender.measures.bounded import Bounds
from recommender.models import BackboneVersion, Catalog, Item, ServedHour, VersionState, Watch, WatchOutcome

LAST = 5  # watches whose outcome a page lists


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one version in a window. `catalog_items`: how many the catalog has; `items`: how many lists had each, by
    primary key as text. `watch`: the newest of it, whose people are counted once each; None where there is none yet.
    `as_many`: of a canary, the coverage to expect of as many lists of the active version."""

    version: BackboneVersion
    is_canary: bool
    counts: Counts
    catalog_items: int
    items: Mapping[str, int] = field(default_factory=dict)
    watch: Watch | None = None
    as_many: float | None = None

    @property
    def was_tried(self) -> bool:
        """Whether it was a canary and is none any more."""
        return self.is_canary and bool(self.watch and self.watch.rollout and self.watch.rollout.ended_at)

    @property
    def fallback(self) -> float | None:
        """The share of lists that fell back."""
        return _share(sum(self.counts.codes.values()), self.counts.lists)

    @property
    def codes(self) -> list[tuple[str, float]]:
        """Why lists fell back, the most frequent first, with shares of all lists."""
        found = sorted(self.counts.codes.items(), key=lambda one: (-one[1], one[0]))
        return [(code, many / self.counts.lists) for code, many in found]

    @property
    def coverage(self) -> float | None:
        """The share of the catalog's items that any list had."""
        return _share(len(self.items), self.catalog_items) if self.counts.lists else None

    def coverage_of(self, lists: int) -> float | None:
        """The coverage to expect of so many of its lists, drawn at random: more lists cover more.

        Hurlbert (1971): an item of c of N lists is missing among n of them with the chance C(N - c, n) / C(N, n). The
        whole coverage where there are no more than that.
        """
        of, log = self.counts.lists, math.lgamma
        if not of or lists >= of:
            return self.coverage
        had = 0.0
        for count, items in Counter(self.items.values()).items():
            left = of - count
            log_missing = (
                log(left + 1) - log(left - lists + 1) - log(of + 1) + log(of - lists + 1)
                if lists <= left
                else -math.inf
            )
            had += items * (1 - math.exp(log_missing))
        return had / max(self.catalog_items, 1)

    @property
    def mean_score(self) -> float | None:
        return _share(self.counts.score, self.counts.scored)

    @property
    def clicks_per_list(self) -> float | None:
        return _share(self.counts.clicks, self.counts.lists) if self.counts.clicks else None

    @property
    def liked(self) -> float | None:
        """Of opinions about items of its lists, the share that likes them."""
        return _share(self.counts.liked, self.counts.opinions)

    @property
    def expected(self) -> float | None:
        """The share that its scores expected of the same items."""
        return _share(self.counts.expected, self.counts.opinions)

    @property
    def people(self) -> int:
        return int(watches.counted(self.watch)[0].people) if self.watch else 0

    @property
    def click_rate(self) -> Bounds | None:
        """Of people by their first lists, with bounds that hold at every look; None where no click came."""
        if self.watch is None:
            return None
        side = watches.counted(self.watch)[0]
        return side.of("clicked", level=self.watch.level) if side.clicked else None

    def to_json(self) -> dict[str, Any]:
        rate = self.click_rate
        return {
            "version": self.version.number,
            "canary": self.is_canary,
            "lists": self.counts.lists,
            "people": self.people,
            "fallback": self.fallback,
            "codes": dict(self.codes),
            "coverage": self.coverage,
            "coverage_of_as_many_active": self.as_many,
            "mean_score": self.mean_score,
            "click_rate": rate.to_json() if rate else None,
            "clicks_per_list": self.clicks_per_list,
            "liked": self.liked,
            "expected": self.expected,
            "outcome": self.watch.outcome if self.watch else "",
            "said": self.watch.said if self.watch else "",
            "guards": self.watch.judged if self.watch else [],
        }


def of_catalog(catalog: Catalog, now: datetime) -> list[Figures]:
    """The active version's, and the canary's where one is being tried. A few queries."""
    tried = catalog.rollouts.filter(ended_at=None, mode="canary").select_related("version").first()
    return beside(catalog, tried.version if tried else None, now)


def beside(catalog: Catalog, canary: BackboneVersion | None, now: datetime) -> list[Figures]:
    """The active version's, and those of a version that is or was a canary."""
    active = catalog.backbone_versions.filter(state=VersionState.ACTIVE).first()
    found = [of_version(active, now, is_canary=False)] if active else []
    if canary:
        its = of_version(canary, now, is_canary=True)
        found.append(replace(its, as_many=found[0].coverage_of(its.counts.lists)) if found else its)
    return found


def of_version(version: BackboneVersion, now: datetime, *, is_canary: bool) -> Figures:
    """In the window of its catalog's settings. `version.catalog` is loaded when it is not."""
    window = timedelta(hours=settings_of_catalog(version.catalog).window_hours)
    hours = ServedHour.objects.filter(version=version, is_canary=is_canary, hour__gt=now - window)
    counts, items = _added(hours.values_list("counts", "items"))
    watches_of = Watch.objects.filter(version=version, rollout__isnull=not is_canary).select_related("rollout")
    watch = watches_of.order_by("pk").last()
    catalog_items = Item.objects.filter(catalog=version.catalog_id).count()
    return Figures(version, is_canary, counts, catalog_items, items, watch)


def decided(catalog: Catalog, *, but: Iterable[Figures], most: int = LAST) -> list[Watch]:
    """What came of the last watches of a catalog, the newest first, without those of these figures. One query."""
    said_already = [one.watch.pk for one in but if one.watch]
    rows = Watch.objects.filter(version__catalog=catalog).exclude(outcome=WatchOutcome.WATCHED)
    return list(rows.exclude(pk__in=said_already).select_related("version").order_by("-decided_at", "-pk")[:most])


def _added(hours: Iterable[tuple[Any, Any]]) -> tuple[Counts, Counter[str]]:
    counts, items = Counts(), Counter[str]()
    for of_hour, shown in hours:
        counts.add(Counts.from_json(of_hour))
        items.update(shown)
    return counts, items


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
