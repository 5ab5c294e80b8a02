"""Where the files of trained backbones lie."""

from pathlib import Path

from django.conf import settings

from recommender.models import BackboneVersion, Catalog


def folder_for(catalog: Catalog) -> Path:
    """The folder of a catalog's versions; web and training processes share it."""
    return Path(settings.VAR_DIR) / "backbones" / catalog.name


def folder_of(version: BackboneVersion) -> Path:
    return Path(settings.VAR_DIR) / "backbones" / version.artifact
