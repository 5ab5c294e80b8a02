"""Which backbone version a catalog's recommendations come from. Each change is one transaction and one row."""

from django.db import transaction

from recommender import artifacts
from recommender.models import Account, Activation, BackboneVersion, Catalog, VersionState


class ArtifactMissingError(Exception):
    """The version's files are not where this process looks for them."""


class StaleActivationError(Exception):
    """Another version took over since the caller looked."""


class NothingToRollBackError(Exception):
    """The active version took over from none."""


NOBODY = 0  # `seen`: no version was active


@transaction.atomic
def activate(version: BackboneVersion, *, by: Account | None, seen: int | None = None) -> Activation:
    """Put a version in charge and retire the one before it. Activating the active one again changes nothing.

    `seen`: the number of the version the caller saw in charge (or NOBODY); raises StaleActivationError where it is
    another one by now. Raises ArtifactMissingError.
    """
    active = _active(version.catalog_id)
    if active == version:
        return version.activations.latest("pk")
    _check_seen(active, seen)
    return _take_over(version, active, kind="activate", by=by)


@transaction.atomic
def roll_back(catalog: Catalog, *, by: Account | None, seen: int | None = None) -> Activation:
    """Put the version that the active one took over from back in charge. `seen`: as in `activate`.

    Raises NothingToRollBackError, StaleActivationError, ArtifactMissingError.
    """
    active = _active(catalog.pk)
    _check_seen(active, seen)
    previous = previous_version(catalog)
    if previous is None:
        raise NothingToRollBackError(f"{catalog} has no earlier version to go back to.")
    return _take_over(previous, active, kind="roll_back", by=by)


def previous_version(catalog: Catalog) -> BackboneVersion | None:
    """What a roll back would put in charge: the version that the active one took over from when it was activated."""
    activated = catalog.activations.filter(kind="activate", version__state=VersionState.ACTIVE)
    latest = activated.select_related("previous").order_by("pk").last()
    return latest.previous if latest else None


def _active(catalog_id: int) -> BackboneVersion | None:
    """The version in charge; nobody else can change that before this transaction ends."""
    catalog = Catalog.objects.select_for_update().get(pk=catalog_id)
    return catalog.backbone_versions.filter(state=VersionState.ACTIVE).first()


def _check_seen(active: BackboneVersion | None, seen: int | None) -> None:
    number = active.number if active else NOBODY
    if seen is not None and seen != number:
        raise StaleActivationError(
            f"Version {number} is in charge by now." if number else "No version is in charge any more."
        )


def _take_over(
    version: BackboneVersion, active: BackboneVersion | None, *, kind: str, by: Account | None
) -> Activation:
    if not artifacts.folder_of(version).is_dir():
        raise ArtifactMissingError(f"The files of {version} are missing: {version.artifact}.")
    if active:  # first: the database allows one active version
        active.state = VersionState.RETIRED
        active.save(update_fields=["state"])
    version.state = VersionState.ACTIVE
    version.save(update_fields=["state"])
    return Activation.objects.create(catalog=version.catalog, version=version, previous=active, kind=kind, account=by)
