"""A version's ranker, believed only once it has said of the golden users what the trained backbone said of them."""

import threading
from datetime import datetime

from recommender.artifacts import files, golden, ranker
from recommender.artifacts.ranker import ArtifactError, Ranker
from recommender.models import BackboneVersion

_lock = threading.Lock()
_verdicts: dict[tuple[int, datetime], str] = {}  # empty: believed; else why not


def load(version: BackboneVersion) -> Ranker:
    """Loaded and checked once per process. Raises ArtifactError."""
    loaded = ranker.load(version)
    key = (version.pk, version.created_at)
    if key not in _verdicts:
        with _lock:
            if key not in _verdicts:
                _verdicts[key] = _doubt(version, loaded)
    if _verdicts[key]:
        raise ArtifactError(_verdicts[key])
    return loaded


def _doubt(version: BackboneVersion, loaded: Ranker) -> str:
    users = golden.read(files.folder_of(version))
    if not users:
        return ""  # of an earlier release
    found = golden.compare(loaded, users)
    if found.are_small:
        return ""
    return f"Its golden users score differently here than when it was trained, by {found.eager_and_served:.1e}."
