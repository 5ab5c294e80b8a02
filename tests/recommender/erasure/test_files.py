"""A version's folder is replaced by one without the erased; places stay, so that everybody else is read as before."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender.artifacts import files as artifacts
from recommender.erasure import files
from recommender.models import BackboneVersion, Digester, Erasure, SubjectKind
from tests import builders
from tests.recommender.promotion.versions import make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(settings: Any, tmp_path: Path) -> BackboneVersion:
    """Ann and Bob are in it; f1 is Bob's first film."""
    settings.VAR_DIR = tmp_path
    version = make_version(builders.make_catalog("films"))
    folder = artifacts.folder_of(version)
    (folder / "ids.json").write_text(json.dumps({"end_users": ["ann", "bob"], "items": ["f1", "f2"]}))
    for name in ("end_users.npy", "claims_end_users.npy"):
        np.save(folder / name, np.array([[9.0, 9.0], [1.0, 1.0], [2.0, 2.0]]))
    met = {"item_id": "f1", "rating": 5.0, "label": None}
    golden = [
        {"end_user": "ann", "tokens": [0], "history": [], "items": ["f1", "f2"], "scores": [0.1, 0.2]},
        {"end_user": "bob", "tokens": [0], "history": [met], "items": ["f2"], "scores": [0.3]},
        {"end_user": "cid", "tokens": [0], "history": [], "items": ["f1", "f2"], "scores": [0.4, 0.5]},
    ]
    (folder / "golden.json").write_text(json.dumps(golden))
    did = [[1.0], [2.0]], [[3.0]], [[4.0], [5.0]]  # to each item
    beside = [{"effects": each, "of_text": [row[0] / 10 for row in each]} for each in did]
    (folder / "golden_effects.json").write_text(json.dumps(beside))
    tested = {"end_user": np.array([0, 0, 1]), "item": np.array([0, 1, 1]), "liked": np.array([1, 0, 1])}
    np.savez(folder / "test.npz", end_users=np.array(["ann", "bob"]), **tested)
    (folder / "model.onnx").write_bytes(b"graph")
    (folder / "manifest.json").write_text("{}")
    BackboneVersion.objects.update(manifest_hash=artifacts.seal(folder))
    return version


def erased(version: BackboneVersion, kind: SubjectKind, external_id: str) -> None:
    digest = Digester(version.catalog, kind)(external_id)
    Erasure.objects.create(catalog=version.catalog, kind=kind, digest=digest, subject=0)


def read(version: BackboneVersion) -> dict[str, Any]:
    version.refresh_from_db()
    folder = artifacts.folder_of(version)
    assert artifacts.changed_files(version) == []
    assert [one.name for one in folder.parent.iterdir()] == [folder.name]
    with np.load(folder / "test.npz") as stored:
        tested = {name: stored[name].tolist() for name in stored.files}
    return {
        "ids": json.loads((folder / "ids.json").read_text()),
        "rows": [np.load(path).tolist() for path in folder.glob("*end_users.npy")],
        "golden": json.loads((folder / "golden.json").read_text()),
        "beside": [tuple(one.values()) for one in json.loads((folder / "golden_effects.json").read_text())],
        "tested": tested,
        "graph": (folder / "model.onnx").read_bytes(),
    }


def test_a_person_leaves_names_rows_golden_users_and_the_test_part(version: BackboneVersion) -> None:
    erased(version, SubjectKind.END_USER, "ann")
    assert files.clear_versions(version.catalog) == [1]

    now = read(version)
    assert "ann" not in f"{now}"
    assert now["ids"]["end_users"][1:] == ["bob"]
    assert now["rows"] == [[[9.0, 9.0], [9.0, 9.0], [2.0, 2.0]]] * 2
    assert [one["end_user"] for one in now["golden"]] == ["bob", "cid"]
    assert now["beside"] == [([[3.0]], [0.3]), ([[4.0], [5.0]], [0.4, 0.5])]
    assert (now["tested"]["end_user"], now["tested"]["item"], now["tested"]["end_users"][1]) == ([1], [1], "bob")
    assert now["graph"] == b"graph"
    assert files.clear_versions(version.catalog) == []


def test_an_item_leaves_names_golden_users_and_the_test_part(version: BackboneVersion) -> None:
    erased(version, SubjectKind.ITEM, "f1")
    assert files.clear_versions(version.catalog) == [1]

    now = read(version)
    assert now["ids"]["items"][1:] == ["f2"]
    assert [(one["end_user"], one["items"], one["scores"]) for one in now["golden"]] == [
        ("ann", ["f2"], [0.2]),
        ("cid", ["f2"], [0.5]),
    ]
    assert now["beside"] == [([[2.0]], [0.2]), ([[5.0]], [0.5])]
    assert now["tested"]["item"] == [1, 1]


def test_two_erasures_at_once_both_hold(version: BackboneVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    erased(version, SubjectKind.END_USER, "ann")
    redact, raced = files.redact, []

    def slow(source: Path, target: Path, among: files.Among) -> bool:
        found = redact(source, target, among)
        if not raced:
            raced.append(True)
            erased(version, SubjectKind.END_USER, "bob")
            assert files.clear_versions(version.catalog) == [1]
        return found

    monkeypatch.setattr(files, "redact", slow)
    files.clear_versions(version.catalog)

    assert not {"ann", "bob"} & set(read(version)["ids"]["end_users"])


def test_nothing_is_touched_where_nobody_was_erased(version: BackboneVersion) -> None:
    erased(version, SubjectKind.END_USER, "carl")
    assert files.clear_versions(version.catalog) == []
    assert artifacts.folder_of(version).name == "1"
    read(version)
