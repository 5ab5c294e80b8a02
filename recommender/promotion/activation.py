"""Which backbone version a catalog's recommendations come from. Each change is one transaction and one row.

A version takes over only when its gates have passed, measured against the version that is active now, or when a lead
overrides them with a reason. Going back needs no gates, only files as they were stored: that version was active
before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from recommender.accounts import audit
from recommender.artifacts import files, verified
from recommender.artifacts.ranker import ArtifactError
from recommender.models import (
    Account,
    Activation,
    AuditEvent,
    BackboneVersion,
    Catalog,
    Rollout,
    RunState,
    VersionState,
)
from recommender.promotion import gates
from recommender.recipe import KNOWLEDGE
from recommender.webhooks import outbox


class RefusedError(Exception):
    """Nothing was changed; the message says why and what to do."""


class ArtifactMissingError(RefusedError):
    """The version's files are not where this process looks for them, or are not what was stored."""


class StaleActivationError(RefusedError):
    """Another version took over since the caller looked."""


class NothingToRollBackError(RefusedError):
    """The active version took over from none."""


class GatesError(RefusedError):
    """Gates are missing or have not passed. `objections`: which, as `objections` gives them."""

    def __init__(self, message: str, objections: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.objections = objections


NOBODY = 0  # `seen`: no version was active


def activate(
    version: BackboneVersion, *, by: Account | None, seen: int | None = None, override: str = ""
) -> Activation:
    """Make a version the active one and retire the one before it. Activating the active one again changes nothing.

    `seen`: the number of the version the caller saw active (or NOBODY). `override`: the reason for which gates that
    have not passed are overridden; it is kept with them, and left out where all have passed. Raises
    StaleActivationError, ArtifactMissingError, and GatesError.
    """
    unusable = why_unusable(version)  # before the transaction: it reads every file
    with transaction.atomic():
        return activate_in_transaction(version, by=by, seen=seen, override=override, unusable=unusable)


def activate_in_transaction(
    version: BackboneVersion, *, by: Account | None, seen: int | None, override: str = "", unusable: str = ""
) -> Activation:
    """As `activate`, in a transaction of the caller, who looked at the files. `unusable`: what is wrong with them."""
    active = _active(version.catalog_id)
    if active == version:
        return version.activations.latest("pk")
    _check_seen(active, seen)
    against = objections(version, active)
    if against and not override.strip():
        raise GatesError(_refusal(version, against), against)
    if unusable:
        raise ArtifactMissingError(unusable)
    reason = override.strip() if against else ""
    return _take_over(version, active, kind="activate", by=by, overridden=against, reason=reason)


def roll_back(catalog: Catalog, *, by: Account | None, seen: int | None = None, reason: str = "") -> Activation:
    """Activate the version that the active one took over from. `seen`: as in `activate`; `reason`: kept with it.

    Raises NothingToRollBackError, StaleActivationError, ArtifactMissingError.
    """
    looked_at = look_back(catalog)  # before the transaction: it reads every file
    with transaction.atomic():
        return roll_back_in_transaction(catalog, looked_at, by=by, seen=seen, reason=reason)


@dataclass(frozen=True, slots=True)
class LookedBack:
    """What a roll back would activate, and which of its files are not what was stored."""

    version: BackboneVersion | None
    changed: tuple[str, ...] = ()


def look_back(catalog: Catalog) -> LookedBack:
    version = previous_version(catalog)
    if version is None or not files.folder_of(version).is_dir():  # a missing one is told of when it takes over
        return LookedBack(version)
    return LookedBack(version, tuple(files.changed_files(version)))


def roll_back_in_transaction(
    catalog: Catalog, looked_at: LookedBack, *, by: Account | None, seen: int | None, reason: str
) -> Activation:
    """As `roll_back`, in a transaction of the caller, who looked back before."""
    active = _active(catalog.pk)
    _check_seen(active, seen)
    previous = previous_version(catalog)
    if previous is None:
        raise NothingToRollBackError(f"{catalog} has no earlier version to go back to.")
    if previous != looked_at.version:
        raise StaleActivationError("Another version took over in this very moment.")
    if looked_at.changed:
        raise ArtifactMissingError(f"{_changed(previous, looked_at.changed)} Activate another version.")
    return _take_over(previous, active, kind="roll_back", by=by, reason=reason.strip())


def previous_version(catalog: Catalog) -> BackboneVersion | None:
    """What a roll back would activate: the version that the active one took over from when it was activated."""
    activated = catalog.activations.filter(kind="activate", version__state=VersionState.ACTIVE)
    latest = activated.select_related("previous").order_by("pk").last()
    return latest.previous if latest else None


def objections(version: BackboneVersion, active: BackboneVersion | None) -> list[dict[str, Any]]:
    """What stands against activating a version after `active`: gates that are missing, stale or not passed."""
    done = version.examinations.filter(state=RunState.DONE).select_related("against").order_by("pk").last()
    if done is None:
        return [_objection("missing", "Gates", "They have not been measured yet.")]
    if active is not None and done.against != active:
        before = f"against version {done.against.number}" if done.against else "while no version was active"
        said = f"They were measured {before}, and version {active.number} is active by now. Check them again."
        return [_objection("stale", "Gates", said)]
    if (control := version.config.get("knowledge_source", KNOWLEDGE)) != KNOWLEDGE:
        return [_objection("missing", "Knowledge", f"It was trained on a control, {control}, to compare with.")]
    absent = [_objection("missing", label, "It was not measured.") for label in gates.missing(done.gates)]
    return absent + done.not_passed


def _objection(outcome: str, label: str, words: str) -> dict[str, Any]:
    return {"name": outcome, "label": label, "outcome": outcome, "passed": False, "words": words}


def _refusal(version: BackboneVersion, against: list[dict[str, Any]]) -> str:
    each = " ".join(f"{gate['label']}: {gate['words']}" for gate in against)
    return f"Version {version.number} may not take over. {each} Check the gates again, or let a lead override them."


def why_unusable(version: BackboneVersion) -> str:
    """Why this process could not rank with a version, or empty. A version of an earlier release is taken as it is."""
    if changed := files.changed_files(version):
        return _changed(version, changed)
    try:
        if version.manifest_hash:
            verified.load(version)  # its golden users; and it is in memory for the next request
    except ArtifactError as error:
        return f"{version} cannot be used here. {error}"
    return ""


def _changed(version: BackboneVersion, files: Sequence[str]) -> str:
    return f"Files of {version} are not what was stored: {', '.join(files)}."


def _active(catalog_id: int) -> BackboneVersion | None:
    """The active version; nobody else can change that before this transaction ends."""
    catalog = Catalog.objects.select_for_update().get(pk=catalog_id)
    return catalog.backbone_versions.filter(state=VersionState.ACTIVE).first()


def _check_seen(active: BackboneVersion | None, seen: int | None) -> None:
    number = active.number if active else NOBODY
    if seen is not None and seen != number:
        raise StaleActivationError(
            f"Version {number} is active by now." if number else "No version is active any more."
        )


def _take_over(
    version: BackboneVersion, active: BackboneVersion | None, *, kind: str, by: Account | None, **overriding: Any
) -> Activation:
    if not files.folder_of(version).is_dir():
        raise ArtifactMissingError(f"The files of {version} are missing: {version.artifact}.")
    if active:  # first: the database allows one active version
        active.state = VersionState.RETIRED
        active.save(update_fields=["state"])
    version.state = VersionState.ACTIVE
    version.save(update_fields=["state"])
    tried = Rollout.objects.filter(catalog_id=version.catalog_id, ended_at=None)
    tried.update(ended_at=timezone.now(), ended_by=by, end_reason=f"Version {version.number} was activated.")
    event = AuditEvent.ROLLED_BACK if kind == "roll_back" else AuditEvent.ACTIVATED
    instead = f"In place of {active}." if active else "None was active."
    audit.record(event, about=version, details=f"{instead} {overriding.get('reason', '')}".strip(), by=by)
    activation = Activation.objects.create(
        catalog=version.catalog, version=version, previous=active, kind=kind, account=by, **overriding
    )
    outbox.activated(activation)
    return activation
