"""Which variant of a running experiment makes somebody's list: told by a hash, so that it stays the same.

The place of an end user is the first 8 bytes, as a number from 0 to 1, of SHA-256 of `experiment`, the experiment's
salt and the id, with a zero byte between (docs/experimenting.md): a canary's place is another hash, so that neither
says anything of the other. Of the places the first `holdout` are held out; what is left is dealt out by weight, in the
order of the variants.
"""

import hashlib
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self, cast

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from recommender.accounts import audit
from recommender.models import AuditEvent, BackboneVersion, Catalog, Experiment, ExperimentKind, ExperimentState
from recommender.process_cache import ProcessCache
from recommender.serving.types import Explain, Source
from recommender.serving.whom import Whom

HOLDOUT, INTERLEAVED = "holdout", "interleaved"  # names that no variant may have
KEPT_CATALOGS = 8


@dataclass(frozen=True, slots=True)
class Variant:
    """What one variant serves. `weight`: its part of all weights.

    `version`: the number of the backbone version that ranks; None: whichever is active. `knowledge`: False serves as if
    nothing were written about the end user; its version was trained without texts too. `steering`: how strongly
    approved statements move lists; None: as the catalog says. `explain`: how much is said where reasons are asked for;
    empty: as asked.
    """

    name: str
    weight: int = 1
    version: int | None = None
    knowledge: bool = True
    steering: float | None = None
    explain: Explain | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**data)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Treatment:
    """What one list is made by. `variant`: the variant's name, HOLDOUT or INTERLEAVED.

    `chosen`: the variant itself; `version`: its version, where it names one. `source`: of a held out list. `mixed`: the
    two whose lists are mixed, by `coins`.
    """

    experiment_id: int
    experiment: str
    variant: str
    chosen: Variant | None = None
    version: BackboneVersion | None = None
    source: Source | None = None
    mixed: tuple["Treatment", ...] = ()
    coins: str = ""

    @property
    def unaware(self) -> bool:
        """Whether nothing that is written about the end user may act."""
        return self.source is not None or (self.chosen is not None and not self.chosen.knowledge)

    @property
    def steering(self) -> float | None:
        return self.chosen.steering if self.chosen else None

    def level(self, asked: Explain) -> Explain:
        """How much is said of each item: nothing where nothing was asked for, which may not be allowed."""
        return asked if asked == "none" or not self.chosen else self.chosen.explain or asked


class VariantError(Exception):
    """A variant's version cannot rank; the message says why."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running experiment as a process holds it. `versions`: those that variants name, by number."""

    pk: int
    key: str
    scenario: str
    kind: str
    variants: Sequence[Variant]
    versions: Mapping[int, BackboneVersion]
    holdout: float
    source: Source
    salt: str

    def treatment(self, whom: Whom) -> Treatment:
        place = place_of(whom.external_id, self.salt)
        if place < self.holdout:
            return Treatment(self.pk, self.key, HOLDOUT, source=self.source)
        if self.kind == ExperimentKind.INTERLEAVED:
            both = tuple(self._of(each, whom) for each in self.variants)
            day = timezone.now().date().isoformat()
            coins = f"interleaved\0{self.salt}\0{whom.external_id}\0{day}"
            return Treatment(self.pk, self.key, INTERLEAVED, mixed=both, coins=coins)
        return self._of(dealt(self.variants, (place - self.holdout) / (1 - self.holdout)), whom)

    def _of(self, variant: Variant, whom: Whom) -> Treatment:
        version = None
        if variant.version is not None:
            version = copy(self.versions[variant.version])
            version.catalog = whom.catalog
        return Treatment(self.pk, self.key, variant.name, variant, version)


KEPT: ProcessCache[tuple[int, datetime, int, int], Sequence[Running]] = ProcessCache("experiments", most=KEPT_CATALOGS)


def place_of(name: str, salt: str) -> float:
    """Where somebody of this id stands from 0 to below 1, evenly spread."""
    digest = hashlib.sha256(f"experiment\0{salt}\0{name}".encode()).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53  # as many bits as a float holds: never 1


def dealt(variants: Sequence[Variant], place: float) -> Variant:
    """The variant at a place from 0 to below 1."""
    left = place * sum(each.weight for each in variants)
    for each in variants:
        if left < each.weight:
            return each
        left -= each.weight
    return variants[-1]


def treatment_of(whom: Whom, scenario: str) -> Treatment | None:
    """By what the running experiment, if any, makes this list. `whom.catalog` is loaded; no query, unless it changed.

    None for a visitor whom nothing names: all of them would be one.
    """
    if not whom.external_id:
        return None
    catalog = whom.catalog
    key = (catalog.pk, catalog.created_at, catalog.erasures, catalog.experiment_changes)
    running = KEPT.get(key, lambda: _read(catalog))
    return next((each.treatment(whom) for each in running if each.scenario in ("", scenario)), None)


def _read(catalog: Catalog) -> Sequence[Running]:
    KEPT.drop(lambda other: other[0] == catalog.pk and other[3] != catalog.experiment_changes)
    found = []
    for row in Experiment.objects.filter(catalog=catalog, state=ExperimentState.RUNNING):
        variants = [Variant.from_json(each) for each in row.variants]
        numbers = [each.version for each in variants if each.version is not None]
        versions = BackboneVersion.objects.select_related("snapshot").defer("metrics", "config")
        named = {each.number: each for each in versions.filter(catalog=catalog, number__in=numbers)}
        if gone := set(numbers) - set(named):
            end(Treatment(row.pk, row.key, ""), why=f"model {min(gone)} is there no more.")
            continue
        source = cast(Source, row.holdout_source)
        found.append(Running(row.pk, row.key, row.scenario, row.kind, variants, named, row.holdout, source, row.salt))
    return found


def end(treatment: Treatment, *, why: str) -> None:
    """Stop an experiment one of whose variants failed. Its page and the audit log say why."""
    reason = f"Stopped by itself: {why}"[:300]
    with transaction.atomic():
        running = Experiment.objects.filter(pk=treatment.experiment_id, state=ExperimentState.RUNNING)
        if running.update(state=ExperimentState.STOPPED, stopped_at=timezone.now(), stop_reason=reason):
            changed(Experiment.objects.only("catalog_id").get(pk=treatment.experiment_id).catalog_id)
            audit.record(AuditEvent.EXPERIMENT_STOPPED, about=treatment.experiment, details=reason, by_itself=True)


def changed(catalog_id: int) -> None:
    """Have every process read anew what runs. Locks the catalog's row until the transaction ends."""
    Catalog.objects.filter(pk=catalog_id).update(experiment_changes=F("experiment_changes") + 1)
