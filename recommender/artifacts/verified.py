"""The only way to a ranker that serves: it has scored the golden users as the trained backbone did.

A loaded version stays in memory for the life of the process and is shared by its threads.
"""

from datetime import datetime
from pathlib import Path

from recommender.artifacts import files, golden, ranker
from recommender.artifacts.ranker import ArtifactError, Ranker
from recommender.models import BackboneVersion
from recommender.process_cache import ProcessCache

KEPT_VERSIONS = 8  # active ones of several catalogs, and those before them

LOADED: ProcessCache[tuple[int, datetime], Ranker | str] = ProcessCache(most=KEPT_VERSIONS)


def load(version: BackboneVersion) -> Ranker:
    """The version's ranker, read and verified once per process. Raises ArtifactError."""
    key = (version.pk, version.created_at)  # a restored or emptied database may number anew
    loaded = LOADED.get(key, lambda: _verified(files.folder_of(version)))
    if isinstance(loaded, str):
        raise ArtifactError(loaded)
    return loaded


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
