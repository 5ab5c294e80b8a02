"""Which version ranks for whom: the active one, or for some end users the canary that is being tried."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import F, FilteredRelation, Q
from django.utils import timezone

from recommender.accounts import audit
from recommender.models import AuditEvent, BackboneVersion, Catalog, Rollout, RolloutMode, VersionState
from recommender.serving.whom import Whom
from recommender.stamps.kept import KeptRows


@dataclass(frozen=True, slots=True)
class RunningRollout:
    """A rollout that is running, and the version that it tries."""

    rollout_id: int
    version: BackboneVersion
    mode: str
    share: float
    salt: str

    def is_canary_for(self, whom: Whom) -> bool:
        """Always the same answer for one end user and salt; a larger share keeps those of a smaller one.

        A visitor whom nothing names never gets a canary: all of them would.
        """
        named = bool(whom.external_id)
        return self.mode == RolloutMode.CANARY and named and place_of(whom, self.salt) < self.share

    def shadows(self, request: UUID) -> bool:
        return self.mode == RolloutMode.SHADOW and (request.int >> 80) / 2**48 < self.share


@dataclass(frozen=True, slots=True)
class Active:
    """What ranks a catalog: the active version, and the rollout that tries another one beside it.

    Both versions have their snapshot loaded, but neither metrics nor config.
    """

    version: BackboneVersion | None
    rollout: RunningRollout | None


ACTIVE: KeptRows[int, Active] = KeptRows("active versions", "versions")


def active_in(catalog: Catalog) -> Active:
    """What ranks this catalog now. One query, none where its stamps say that nothing changed."""
    return ACTIVE.one(catalog, catalog.pk, lambda: _active_in(catalog))


def _active_in(catalog: Catalog) -> Active:
    running = FilteredRelation("rollouts", condition=Q(rollouts__ended_at=None))
    rows = (
        BackboneVersion.objects.filter(catalog=catalog)
        .annotate(running=running)
        .filter(Q(state=VersionState.ACTIVE) | Q(running__isnull=False))
        .annotate(
            rollout_id=F("running__id"),
            rollout_mode=F("running__mode"),
            rollout_share=F("running__share"),
            rollout_salt=F("running__salt"),
        )
        .select_related("snapshot")
        .defer("metrics", "config")
    )
    active, rollout = None, None
    for row in rows:
        row.catalog = catalog
        if row.state == VersionState.ACTIVE:
            active = row
        else:
            rollout = RunningRollout(row.rollout_id, row, row.rollout_mode, row.rollout_share, row.rollout_salt)
    return Active(active, rollout if active else None)


def place_of(whom: Whom, salt: str) -> float:
    """Where somebody stands between 0 and 1, evenly spread. `whom.catalog` must be loaded."""
    named = f"{whom.catalog.name}\0{whom.external_id}\0{salt}"
    return int.from_bytes(hashlib.sha256(named.encode()).digest()[:8]) / 2**64


def end(running: RunningRollout, *, why: str) -> None:
    """Stop a rollout that failed. Its version's page and the audit log say why."""
    reason = f"Stopped by itself: {why}"
    with transaction.atomic():
        still = Rollout.objects.filter(pk=running.rollout_id, ended_at=None)
        if still.update(ended_at=timezone.now(), end_reason=reason):
            audit.record(AuditEvent.ROLLOUT_ENDED, about=running.version, details=reason, by_itself=True)
