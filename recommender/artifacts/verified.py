"""The only way to a ranker that serves: it has scored the golden users as the trained backbone did.

Where the version has compiled kernels that may run here (artifacts.kernels), the ranker has them, if with them too it
scores the golden users so. A loaded version stays in memory for the life of the process and is shared by its threads.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from recommender.artifacts import files, golden, kernels, ranker
from recommender.artifacts.golden import GoldenUser
from recommender.artifacts.ranker import ArtifactError, Ranker
from recommender.models import BackboneVersion
from recommender.process_cache import ProcessCache

log = logging.getLogger(__name__)

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
        return _verified(version)
    except ArtifactError:
        named = version.artifact
        version.refresh_from_db(fields=["artifact", "manifest_hash"])
        if version.artifact == named:
            raise
        return _verified(version)  # another folder took its place while this one was read


def _verified(version: BackboneVersion) -> Ranker | str:
    """The ranker, or why it must not serve: a verdict that is kept, so that not every request compares again."""
    folder = files.folder_of(version)
    found = kernels.look(version)
    read = ranker.read(folder, graph_later=not found.why_not)
    users = golden.read(folder)
    compiled = _compiled(version, read, found, users or [])
    if compiled:
        return compiled
    if not found.why_not:
        read = ranker.read(folder)
    if not users:
        return read  # of an earlier release
    differences = golden.compare(read, users)
    if differences.are_small:
        return read
    return f"Its golden users score differently here than when it was trained, by {differences.eager_and_served:.1e}."


def _compiled(
    version: BackboneVersion, read: Ranker, found: kernels.Found, users: Sequence[GoldenUser]
) -> Ranker | None:
    """The ranker with its kernels; None where they must not run here, or answer otherwise. The log says which."""
    why_not = found.why_not or ("" if users else "it has no golden users, by which they would be checked")
    if not why_not:
        try:
            fast = kernels.equip(read, version, found)
            differences = golden.compare(fast, users)
            effects = golden.compare_effects(fast, read, users) if differences.are_small else 0.0
            if differences.are_small and effects <= golden.EFFECTS_TOLERANCE:
                log.info("%s is ranked with kernels compiled for %s", version, found.processor)
                kernels.judge(version, "")
                return fast
            why_not = f"with them its golden users score differently, by {differences.eager_and_served:.1e}"
            if differences.are_small:
                why_not = f"with them entries of its golden users' histories did something else, by {effects:.1e}"
        except kernels.UnusableError as error:
            why_not = str(error)
        kernels.judge(version, why_not)
    log.log(logging.INFO if found.why_not else logging.WARNING, "%s is ranked without kernels: %s", version, why_not)
    return None
