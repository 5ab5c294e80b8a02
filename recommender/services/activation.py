"""Which backbone version a catalog's recommendations come from. Each change is one transaction and one row."""

from django.db import transaction

from recommender import artifacts
from recommender.models import Account, Activation, BackboneVersion, Catalog, VersionState


class ArtifactMissingError(Exception):
    """The version's files are not where this process looks for them."""


class NothingToRollBackError(Exception):
    """The active version took over from none."""


@transaction.atomic
def activate(version: BackboneVersion, *, by: Account | None) -> Activation:
    """Put a version in charge and retire the one before it. Activating the active one again changes nothing."""
    Catalog.objects.select_for_update().get(pk=version.catalog_id)
    if version.catalog.backbone_versions.filter(pk=version.pk, state=VersionState.ACTIVE).exists():
        return version.activations.latest("pk")
    return _take_over(version, kind="activate", by=by)


@transaction.atomic
def roll_back(catalog: Catalog, *, by: Account | None) -> Activation:
    """Put the version that the active one took over from back in charge. Raises NothingToRollBackError."""
    Catalog.objects.select_for_update().get(pk=catalog.pk)
    previous = previous_version(catalog)
    if previous is None:
        raise NothingToRollBackError(f"{catalog} has no earlier version to go back to.")
    return _take_over(previous, kind="roll_back", by=by)


def previous_version(catalog: Catalog) -> BackboneVersion | None:
    """What a roll back would put in charge: the version that the active one took over from when it was activated."""
    activated = catalog.activations.filter(kind="activate", version__state=VersionState.ACTIVE)
    latest = activated.select_related("previous").order_by("pk").last()
    return latest.previous if latest else None


def _take_over(version: BackboneVersion, *, kind: str, by: Account | None) -> Activation:
    if not artifacts.folder_of(version).is_dir():
        raise ArtifactMissingError(f"The files of {version} are missing: {version.artifact}.")
    active = version.catalog.backbone_versions.filter(state=VersionState.ACTIVE).first()
    if active:  # first: the database allows one active version
        active.state = VersionState.RETIRED
        active.save(update_fields=["state"])
    version.state = VersionState.ACTIVE
    version.save(update_fields=["state"])
    return Activation.objects.create(catalog=version.catalog, version=version, previous=active, kind=kind, account=by)
