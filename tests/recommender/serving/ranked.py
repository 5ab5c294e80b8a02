"""A catalog with a real active backbone: trained once per process on planted tastes, then copied."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from django.conf import settings

from recommender.artifacts import files
from recommender.models import BackboneVersion, Catalog, VersionState
from tests.recommender.promotion.versions import make_version
from tests.recommender.training import synthetic


@cache
def trained() -> Path:
    """The folder of an artifact for what `synthetic.in_database()` stores."""
    from recommender.artifacts import golden_choice, writing
    from tests.recommender.training.fitting import SMALL, fitted

    made = fitted()
    folder = Path(tempfile.mkdtemp(dir=settings.VAR_DIR)) / "artifact"
    writing.write(
        folder,
        made.backbone,
        SMALL,
        made.interactions,
        made.knowledge,
        signals=made.signals,
        demographics=made.examples.demographics,
        facts={"data": "d"},
    )
    golden_choice.write(folder, made.backbone, made.interactions, made.knowledge)
    return folder


def activate(catalog: Catalog) -> BackboneVersion:
    """Make the trained backbone the active one of a catalog that `synthetic.in_database()` made."""
    version = make_version(catalog, state=VersionState.ACTIVE)
    shutil.copytree(trained(), files.folder_of(version), dirs_exist_ok=True)
    return version


def ranked_catalog(name: str = "") -> Catalog:
    """End users u000 … u029 met 24 of the 40 films i000 … i039, genres by turns; the backbone has learnt from them."""
    catalog = synthetic.in_database(name)
    activate(catalog)
    return catalog
