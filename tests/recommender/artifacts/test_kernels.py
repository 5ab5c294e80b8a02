"""Kernels beside a version: made by a training, run only where hashes, processor and golden users say so."""

import json
import logging
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from django.conf import settings

from recommender import compiling
from recommender.artifacts import files, folded, kernels, ranker, verified
from recommender.erasure import files as erased
from recommender.models import BackboneVersion
from tests import builders
from tests.recommender.promotion.versions import make_version

LEVELS = [name for name, needed in compiling.PROCESSORS.items() if needed <= compiling.can_do()]
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(compiling.compiler() is None or not LEVELS, reason="nothing can be compiled and run here"),
]


@cache
def written() -> Path:
    """The folder of an artifact as `ranked.trained` makes them, of a DIN whose layers the kernel has: two and two."""
    from recommender.artifacts import golden_choice, writing
    from recommender.backbones.registry import make
    from tests.recommender.training.fitting import SMALL, fitted

    made, recipe = fitted(), SMALL.model_copy(update={"head": (16, 8)})
    torch.manual_seed(0)
    backbone = make(made.backbone.sizes, recipe).eval()
    backbone.items.describe(id_of=made.backbone.items.id_of, tokens_of=made.backbone.items.tokens_of)
    if backbone.knowledge is not None:
        backbone.knowledge.read(torch.from_numpy(made.vectors))
    folder = Path(tempfile.mkdtemp(dir=settings.VAR_DIR)) / "artifact"
    demographics = made.examples.demographics
    beside = {"signals": made.signals, "demographics": demographics, "facts": {"data": "d"}}
    writing.write(folder, backbone, recipe, made.interactions, made.knowledge, **beside)
    golden_choice.write(folder, backbone, made.interactions, made.knowledge)
    return folder


@pytest.fixture(autouse=True)
def on(settings, tmp_path):
    written()
    settings.VAR_DIR, settings.KERNELS = tmp_path, True
    verified.LOADED.clear()
    kernels.JUDGED.clear()
    yield
    verified.LOADED.clear()
    kernels.JUDGED.clear()


def version_with(change=lambda folder: None) -> BackboneVersion:
    """A version as a training stores it; `change` is what befalls its folder before it is sealed."""
    version = make_version(builders.make_catalog())
    folder = files.folder_of(version)
    shutil.copytree(written(), folder, dirs_exist_ok=True)
    kernels.build(folder)
    change(folder)
    version.manifest_hash = files.seal(folder)
    version.save(update_fields=["manifest_hash"])
    return version


def library_of(version):
    return files.folder_of(version) / f"{LEVELS[0]}{kernels.SUFFIX}"


def is_compiled(version) -> bool:
    ranker = verified.load(version)
    compiled = {ranker.signals.fitted["gaussian_process"].compiled is not None, ranker.folded is not None}
    assert len(compiled) == 1, "both or none"
    return compiled.pop()


def scores(version):
    one = verified.golden.read(files.folder_of(version))[-1]
    return verified.load(version).score(one.end_user, one.history, one.items, tokens=one.tokens)


def test_a_training_compiles_for_every_level_and_a_web_process_runs_the_best(settings, caplog):
    version = version_with()
    assert not kernels.look(version).proven
    with caplog.at_level(logging.INFO, logger="recommender"):
        with_kernel = scores(version)
        scores(version)

    assert is_compiled(version)
    assert {path.name for path in files.folder_of(version).glob("*.so")} == {
        f"{name}{kernels.SUFFIX}" for name in compiling.PROCESSORS
    }
    assert files.changed_files(version) == []
    found = kernels.look(version)
    assert (found.processor, bool(found.compiler), found.proven) == (LEVELS[0], True, True)
    assert [record.message for record in caplog.records if "kernels" in record.message] == [
        f"{version} is ranked with kernels compiled for {LEVELS[0]}"
    ]
    settings.KERNELS = False
    verified.LOADED.clear()
    assert not is_compiled(version)
    np.testing.assert_allclose(with_kernel, scores(version), atol=1e-6)


def half(path):
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:1000])


def tampered(path):
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def vouched_for(path):
    """Whoever may write there also writes the hash into the manifest, but not the database."""
    tampered(path)
    manifest = path.parent / files.MANIFEST
    manifest.chmod(0o600)
    stored = json.loads(manifest.read_text())
    stored["files"][path.name] = kernels._sha256(path.read_bytes())
    manifest.write_text(json.dumps(stored))


@pytest.mark.parametrize(
    ("change", "said"),
    [(half, "is not what was stored"), (tampered, "is not what was stored"), (vouched_for, "its manifest is not what")],
)
def test_a_file_that_is_not_what_was_stored_is_never_loaded(monkeypatch, caplog, change, said):
    version = version_with()
    change(library_of(version))
    monkeypatch.setattr(kernels.ctypes, "CDLL", lambda path: pytest.fail("it was loaded"))
    with caplog.at_level(logging.INFO, logger="recommender"):
        for _ in range(3):
            assert not is_compiled(version)

    assert [said in record.message for record in caplog.records if "kernels" in record.message] == [True]
    assert said in kernels.look(version).why_not


def test_a_missing_file_costs_no_list():
    version = version_with()
    library_of(version).unlink()
    assert not is_compiled(version)
    assert "cannot be read" in kernels.look(version).why_not


def test_another_processor_runs_what_it_can_or_nothing(monkeypatch):
    version = version_with()
    monkeypatch.setattr(compiling, "can_do", lambda: compiling.PROCESSORS["x86-64-v3"])
    assert kernels.look(version).processor == "x86-64-v3"
    assert is_compiled(version)

    verified.LOADED.clear()
    monkeypatch.setattr(compiling, "can_do", lambda: frozenset({"sse2"}))
    assert not is_compiled(version)
    assert kernels.look(version).why_not == ("this processor is none that they were compiled for: x86-64-v4, x86-64-v3")


@pytest.mark.parametrize("there", [False, True])
def test_without_a_working_compiler_a_training_stores_its_version_all_the_same(monkeypatch, tmp_path, there):
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\necho no room left >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(compiling, "compiler", lambda: str(broken) if there else None)
    version = version_with()

    assert [path.name for path in files.folder_of(version).iterdir() if path.suffix == ".so"] == []
    assert list(files.folder_of(version).glob("folded*")) == []  # nothing else reads them
    assert not is_compiled(version)
    said = "the compiler failed where it was trained" if there else "no C++ compiler where it was trained"
    assert said in kernels.look(version).why_not


def test_a_library_that_was_sealed_but_is_none_is_refused_once(caplog):
    version = version_with(lambda folder: [path.write_bytes(b"no library") for path in folder.glob("*.so")])
    assert not is_compiled(version)
    assert "cannot be loaded" in caplog.text
    assert "cannot be loaded" in kernels.look(version).why_not


@pytest.mark.parametrize("name", folded.FILES)
def test_half_of_what_kernels_read_costs_no_list(caplog, name):
    version = version_with()
    path = files.folder_of(version) / name
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert not is_compiled(version)
    assert "cannot be loaded" in kernels.look(version).why_not


def opened(monkeypatch) -> list[Path]:
    """The graphs that are opened from now on."""
    graphs, session_of = [], ranker.session_of
    monkeypatch.setattr(ranker, "session_of", lambda path, **how: graphs.append(path) or session_of(path, **how))
    return graphs


def test_a_version_with_kernels_is_verified_and_serves_without_its_graph(monkeypatch):
    graphs = opened(monkeypatch)
    version = version_with()
    one = verified.golden.read(files.folder_of(version))[-1]
    assert np.abs(one.effects).max() > 0.001
    scores(version)
    effects(verified.load(version), one, one.history)
    assert is_compiled(version)
    assert graphs == []


def test_golden_users_of_an_earlier_release_have_the_graph_say_what_their_entries_did(monkeypatch):
    def earlier(folder):
        users = [replace(one, effects=[], of_text=[]) for one in verified.golden.read(folder)]
        verified.golden.save(folder, users)

    graphs = opened(monkeypatch)
    version = version_with(earlier)
    assert is_compiled(version)
    assert len(graphs) == 1


def test_kernels_whose_golden_users_entries_did_something_else_then_are_refused(caplog):
    def off(folder):
        first, *others = verified.golden.read(folder)
        changed = [[each + 0.01 for each in row] for row in first.effects]
        verified.golden.save(folder, [replace(first, effects=changed), *others])

    version = version_with(off)
    assert not is_compiled(version)
    assert "did something else" in caplog.text


def test_kernels_do_not_run_where_their_graph_is_another_one():
    version = version_with()
    path = files.folder_of(version) / "model.onnx"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"x")
    assert kernels.look(version).why_not == "model.onnx is not what was stored with it"
    path.unlink()
    with pytest.raises(ranker.ArtifactError, match=r"model\.onnx"):
        verified.load(version)


def test_the_graph_answers_where_the_kernel_has_no_memory(monkeypatch):
    version = version_with()
    one = verified.golden.read(files.folder_of(version))[-1]
    with_kernel, did = scores(version), effects(verified.load(version), one, one.history)
    for name in ("logits", "without"):
        monkeypatch.setattr(folded.Folded, name, lambda *given, **also: None)
    np.testing.assert_allclose(with_kernel, scores(version), atol=1e-6)
    np.testing.assert_allclose(did[0], effects(verified.load(version), one, one.history)[0], atol=2e-5)


def effects(ranking, one, history):
    return ranking.effects(one.end_user, history, one.items)


def test_what_entries_and_the_text_did_is_what_leaving_them_out_takes_away(settings):
    """By kernels, by graph and numpy, and by scoring the histories that are really shorter."""
    version = version_with()
    with_kernels = verified.load(version)
    settings.KERNELS = False
    verified.LOADED.clear()
    without = verified.load(version)
    assert (with_kernels.folded is None, without.folded) == (False, None)
    told = 0
    for one in verified.golden.read(files.folder_of(version)):
        history, none = one.history[-without.history :], dict(without.end_users)
        none.pop(one.end_user, None)

        def logit(entries, ranking=without, one=one):
            scores = ranking.score(one.end_user, entries, one.items)
            return np.log(scores / (1 - scores))

        shorter = [history[:place] + history[place + 1 :] for place in range(len(history))]
        expected = np.array([logit(history) - logit(entries) for entries in shorter]).T
        of_text = logit(history) - logit(history, replace(without, end_users=none))
        told += bool(of_text.any())  # how much: test_folded has numbers that are not as small
        assert np.abs(expected).max() > 0.001
        for either in (with_kernels, without):
            found = effects(either, one, history)
            np.testing.assert_allclose(found[0], expected, atol=2e-5)
            np.testing.assert_allclose(found[1], of_text, atol=2e-5)
    assert told, "there is no text"


def test_a_library_of_an_earlier_release_leaves_that_to_the_graph(monkeypatch):
    version = version_with()
    one = verified.golden.read(files.folder_of(version))[-1]
    expected = effects(verified.load(version), one, one.history)
    monkeypatch.setattr(folded, "WITHOUT", "not_there_yet")
    verified.LOADED.clear()
    kernels.JUDGED.clear()
    assert is_compiled(version)
    np.testing.assert_allclose(effects(verified.load(version), one, one.history)[0], expected[0], atol=2e-5)


@pytest.mark.parametrize("wrong", [0.5, np.nan])
def test_kernels_by_which_entries_did_something_else_are_refused_and_the_version_serves(monkeypatch, caplog, wrong):
    version = version_with()
    without = folded.Folded.without

    def off(self, *given, **also):
        found = without(self, *given, **also)
        found[1] += wrong
        return found

    monkeypatch.setattr(folded.Folded, "without", off)
    assert not is_compiled(version)
    assert "did something else" in kernels.look(version).why_not
    assert "did something else" in caplog.text


def test_kernels_whose_golden_users_score_differently_are_refused_and_the_version_serves(monkeypatch, caplog):
    version = version_with()
    read = kernels.native.Kernel.read

    def off(self, *given, **also):
        mean, std, with_drift = read(self, *given, **also)
        return mean + 0.5, std, with_drift

    monkeypatch.setattr(kernels.native.Kernel, "read", off)
    assert not is_compiled(version)
    assert "golden users score differently" in kernels.look(version).why_not
    assert "golden users score differently" in caplog.text


def test_an_earlier_releases_version_and_one_without_golden_users_are_ranked_without():
    version = version_with(lambda folder: (folder / "golden.json").unlink())
    assert not is_compiled(version)
    version.manifest_hash = ""
    assert kernels.look(version).why_not == "it is of an earlier release"


def test_an_erasure_keeps_kernels_and_vouches_for_none_that_were_changed(caplog):
    version = version_with()
    folder = files.folder_of(version)
    new = folder.with_name("new")
    shutil.copytree(folder, new)
    tampered(new / library_of(version).name)
    kernels.drop_untrusted(new, folder, version.manifest_hash)

    kept = {path.name for path in new.glob("*.so")}
    assert kept == {path.name for path in folder.glob("*.so")} - {library_of(version).name}
    assert "left out" in caplog.text


def test_an_erased_end_users_version_still_runs_its_kernels():
    version = version_with()
    gone = verified.golden.read(files.folder_of(version))[0].end_user
    among = erased.Among(lambda ids: {gone} & set(ids), lambda ids: set())
    new = files.folder_of(version).with_name("new")
    assert erased.redact(files.folder_of(version), new, among)
    kernels.drop_untrusted(new, files.folder_of(version), version.manifest_hash)
    version.artifact, version.manifest_hash = f"{version.catalog.name}/new", files.seal(new)
    version.save(update_fields=["artifact", "manifest_hash"])

    assert is_compiled(version)
