"""A ranker that serves: read once per process, and only where its golden users score as they did."""

import ast
import json
import shutil
from pathlib import Path

import pytest

from recommender.artifacts import files, ranker, verified
from recommender.models import BackboneVersion
from tests import builders
from tests.architecture import repository
from tests.recommender.promotion.versions import make_version
from tests.recommender.serving.ranked import trained

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(settings, tmp_path) -> BackboneVersion:
    """A version whose folder is empty."""
    trained()
    settings.VAR_DIR = tmp_path
    verified.LOADED.clear()
    return make_version(builders.make_catalog())


def test_a_version_is_read_once_per_process(version):
    target = files.folder_of(version)
    target.rmdir()
    target.symlink_to(trained())
    first = verified.load(version)
    target.unlink()

    assert verified.load(version) is first


def test_a_missing_or_damaged_artifact_is_said_in_words(version):
    target = files.folder_of(version)
    with pytest.raises(ranker.ArtifactError, match=r"manifest\.json"):
        verified.load(version)
    for name in ("manifest.json", "ids.json", "end_users.npy"):
        (target / name).write_bytes((trained() / name).read_bytes())
    (target / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(ranker.ArtifactError, match="cannot be read"):
        verified.load(version)
    (target / "manifest.json").write_text('{"format": 99}')
    with pytest.raises(ranker.ArtifactError, match="format is 99"):
        verified.load(version)


def test_a_version_whose_golden_users_score_differently_never_loads_and_is_compared_once(version, monkeypatch):
    shutil.copytree(trained(), files.folder_of(version), dirs_exist_ok=True)
    path = files.folder_of(version) / "golden.json"
    golden = json.loads(path.read_text())
    golden[0]["scores"][0] += 1e-3
    path.write_text(json.dumps(golden))
    compared = []
    compare = verified.golden.compare
    monkeypatch.setattr(verified.golden, "compare", lambda *given: compared.append(given) or compare(*given))
    for _ in range(3):
        with pytest.raises(ranker.ArtifactError, match="golden users score differently here"):
            verified.load(version)

    assert len(compared) == 1


def test_what_serves_gets_its_rankers_verified():
    """`ranker.read` is for those who write golden users, and for the gates and receipts, which judge what it reads."""
    reading = {
        str(path)
        for path, text in repository.python().items()
        for node in ast.walk(ast.parse(text))
        if (isinstance(node, ast.Call) and ast.unparse(node.func) == "ranker.read")
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "recommender.artifacts.ranker"
            and "read" in [alias.name for alias in node.names]
        )
    }
    folders = {str(Path(path).parent) for path in reading}

    assert folders == {"recommender/artifacts", "recommender/promotion"}
