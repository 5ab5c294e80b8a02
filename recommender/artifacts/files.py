"""Where the files of trained backbones lie, and whether they are still what was stored.

A version's folder is sealed once, before it gets its place: its manifest then holds the hash of every other file, and
the version's row that of the manifest. Nothing writes there afterwards.
"""

import hashlib
import json
from pathlib import Path

from django.conf import settings

from recommender.models import BackboneVersion, Catalog, Evaluation

MANIFEST = "manifest.json"


def folder_for(catalog: Catalog) -> Path:
    """The folder of a catalog's versions; web and training processes share it."""
    return Path(settings.VAR_DIR) / "backbones" / catalog.name


def folder_of(version: BackboneVersion) -> Path:
    return Path(settings.VAR_DIR) / "backbones" / version.artifact


def seal(folder: Path) -> str:
    """Write the hashes of all files into the manifest, make them read-only, and return the manifest's own hash."""
    path = folder / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["files"] = {one.name: _sha256(one) for one in sorted(folder.iterdir()) if one.name != MANIFEST}
    path.write_text(json.dumps(manifest, indent=1, sort_keys=True))
    for one in folder.iterdir():
        one.chmod(0o400)
    return _sha256(path)


def changed_files(version: BackboneVersion) -> list[str]:
    """Names of files that are missing, new, or not what was stored; empty for a whole version.

    A version of an earlier release kept no hash of its manifest: of it nothing can be said.
    """
    if not version.manifest_hash:
        return []
    folder = folder_of(version)
    path = folder / MANIFEST
    if not path.is_file() or _sha256(path) != version.manifest_hash:
        return [MANIFEST]
    stored = json.loads(path.read_text())["files"]
    found = {one.name: _sha256(one) for one in folder.iterdir() if one.name != MANIFEST}
    return sorted(name for name in {*stored, *found} if stored.get(name) != found.get(name))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_of_evaluation(evaluation: Evaluation) -> Path:
    """The test labels, predictions and draws of an evaluation's fits (evaluation.service)."""
    return Path(settings.VAR_DIR) / "evaluations" / str(evaluation.pk)
