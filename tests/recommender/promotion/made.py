"""Versions with a real, tiny backbone, for what `synthetic.in_database()` stores."""

import json
import random
import shutil
from typing import Any

from recommender.artifacts import files
from recommender.knowledge.snapshots import freeze
from recommender.models import BackboneVersion, Catalog
from tests.recommender.promotion.versions import make_version
from tests.recommender.serving.ranked import trained


def real_version(catalog: Catalog, **fields: Any) -> BackboneVersion:
    """A version that knows the catalog well, sealed as a training run leaves it."""
    version = make_version(catalog, **fields)
    return _sealed(version)


def confused_version(catalog: Catalog, **fields: Any) -> BackboneVersion:
    """The same backbone with its items mixed up: it ranks like dice."""
    version = make_version(catalog, **fields)
    folder = files.folder_of(version)
    shutil.copytree(trained(), folder, dirs_exist_ok=True)
    ids = json.loads((folder / "ids.json").read_text())
    random.Random(7).shuffle(ids["items"])
    (folder / "ids.json").write_text(json.dumps(ids))
    return _sealed(version)


def renew_snapshot(version: BackboneVersion) -> None:
    """Freeze what is known now, as its training run would have."""
    version.snapshot = freeze(version.catalog, encoder="minilm")
    version.save(update_fields=["snapshot"])


def _sealed(version: BackboneVersion) -> BackboneVersion:
    folder = files.folder_of(version)
    if not any(folder.iterdir()):
        shutil.copytree(trained(), folder, dirs_exist_ok=True)
    version.manifest_hash = files.seal(folder)
    version.save(update_fields=["manifest_hash"])
    return version
