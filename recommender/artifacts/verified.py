"""The only way to a ranker that serves: it has scored the golden users as the trained backbone did.

A loaded version stays in memory for the life of the process and is shared by its threads.
"""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from recommender.artifacts import files, golden, ranker
from recommender.artifacts.ranker import ArtifactError, Ranker
from recommender.models import BackboneVersion
from recommender.process_cache import ProcessCache

KEPT_VERSIONS = 8  # active ones of several catalogs, and those before them


class Key(NamedTuple):
    """A restored or emptied database may number versions anew. `erasures`: of the catalog, so far."""

    catalog: int
    version: int
    made: datetime
    erasures: int


LOADED: ProcessCache[Key, Ranker | str] = ProcessCache("backbones", most=KEPT_VERSIONS)


def load(version: BackboneVersion) -> Ranker:
    """The version's ranker, read and verified once per process until somebody is erased. Raises ArtifactError."""
    key = Key(version.catalog_id, version.pk, version.created_at, version.catalog.erasures)
    loaded = LOADED.get(key, lambda: _read(version, key))
    if isinstance(loaded, str):
        raise ArtifactError(loaded)
    return loaded


def _read(version: BackboneVersion, key: Key) -> Ranker | str:
    """What was read before an erasure leaves memory, of all versions of the catalog."""
    LOADED.drop(lambda other: other.catalog == key.catalog and other.erasures != key.erasures)
    try:
        return _verified(files.folder_of(version))
    except ArtifactError:
        named = version.artifact
        version.refresh_from_db(fields=["artifact", "manifest_hash"])
        if version.artifact == named:
            raise
        return _verified(files.folder_of(version))  # another folder took its place while this one was read


def _verified(folder: Path) -> Ranker | str:
    """The ranker, or why it must not serve: a verdict that is kept, so that not every request compares again."""
    read = ranker.read(folder)
    users = golden.read(folder)
    if not users:
        return read  # of an earlier release
    differences = golden.compare(read, users)
    if differences.are_small:
        return read
    return f"Its golden users score differently here than when it was trained, by {differences.eager_and_served:.1e}."
