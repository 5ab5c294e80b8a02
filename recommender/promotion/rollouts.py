"""Trying a candidate on real requests, as a shadow or a canary, before it takes over. One at a time in a catalog."""

import uuid

from django.db import transaction
from django.utils import timezone

from recommender.accounts import audit
from recommender.artifacts import files
from recommender.models import (
    Account,
    AuditEvent,
    BackboneVersion,
    Catalog,
    Rollout,
    RolloutMode,
    RunState,
    VersionState,
)


class RolloutRefusedError(Exception):
    """Nothing was started or changed; the message says why and what to do."""


def start(version: BackboneVersion, *, mode: RolloutMode, share: float, by: Account | None) -> Rollout:
    """Start one, or go on with the same version's at another share or in the other mode: its end users stay the same.

    Raises RolloutRefusedError: for a share that is none, another version's rollout, a version that is active or has
    no active one beside it, and for a canary also where a gate is missing or has failed.
    """
    if not 0 < share <= 1:
        raise RolloutRefusedError("The share must be above 0 % and at most 100 %.")
    changed = files.changed_files(version)
    with transaction.atomic():
        Catalog.objects.select_for_update().get(pk=version.catalog_id)
        running = Rollout.objects.filter(catalog_id=version.catalog_id, ended_at=None).select_related("version").first()
        if running and running.version_id != version.pk:
            other = running.version.number
            raise RolloutRefusedError(f"Version {other} is being tried. One at a time: stop its {running.mode} first.")
        if running and (running.mode, running.share) == (mode, share):
            return running
        _check(version, mode, changed)
        earlier = running or version.rollouts.order_by("pk").last()
        if running:
            _end(running, by=by, reason="Changed by a lead.")
        audit.record(AuditEvent.ROLLOUT_STARTED, about=version, details=f"{mode.label}, {share:.1%}", by=by)
        return Rollout.objects.create(
            catalog_id=version.catalog_id,
            version=version,
            mode=mode,
            share=share,
            salt=earlier.salt if earlier else uuid.uuid4().hex,
            started_by=by,
        )


def stop(rollout: Rollout, *, by: Account | None, reason: str = "Stopped by a lead.") -> bool:
    """False: it had ended before."""
    with transaction.atomic():
        ended = _end(rollout, by=by, reason=reason)
        if ended:
            audit.record(AuditEvent.ROLLOUT_ENDED, about=rollout.version, details=reason, by=by)
    return ended


def _check(version: BackboneVersion, mode: RolloutMode, changed: list[str]) -> None:
    active = version.catalog.backbone_versions.filter(state=VersionState.ACTIVE).first()
    if active is None:
        raise RolloutRefusedError("No version is active to try it beside. Activate one first.")
    if active == version:
        raise RolloutRefusedError("It is active already.")
    if changed or not files.folder_of(version).is_dir():
        raise RolloutRefusedError(f"Its files are missing or not what was stored: {', '.join(changed) or 'all'}.")
    if mode == RolloutMode.SHADOW:
        return
    done = version.examinations.filter(state=RunState.DONE).order_by("pk").last()
    if done is None:
        raise RolloutRefusedError("Its gates have not been measured yet. Check them first: a canary is seen by people.")
    if failed := [gate for gate in done.gates if gate["outcome"] == "failed"]:
        names = ", ".join(gate["label"] for gate in failed)
        raise RolloutRefusedError(f"It failed {names}, and a canary is seen by people. A shadow is not.")


def _end(rollout: Rollout, *, by: Account | None, reason: str) -> bool:
    running = Rollout.objects.filter(pk=rollout.pk, ended_at=None)
    return bool(running.update(ended_at=timezone.now(), ended_by=by, end_reason=reason))
