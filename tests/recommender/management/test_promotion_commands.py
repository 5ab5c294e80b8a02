"""gate_backbone, promote_backbone and verify_backbone: what they print, and what they refuse in one sentence."""

import json

import pytest
from django.core.management import CommandError, call_command

from recommender.artifacts import files
from recommender.models import VersionState
from tests import builders
from tests.recommender.promotion.made import confused_version, real_version
from tests.recommender.promotion.versions import examined
from tests.recommender.training import synthetic

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_settings(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    settings.GATES = {**settings.GATES, "latency_ms": 60_000.0}


@pytest.fixture
def catalog():
    catalog = synthetic.in_database("films")
    real_version(catalog, state=VersionState.ACTIVE)
    return catalog


@pytest.fixture
def printed(capsys):
    def run(*arguments):
        call_command(*arguments)
        return capsys.readouterr().out

    return run


def test_gates_are_measured_printed_and_kept(catalog, printed):
    real_version(catalog)
    found = json.loads(printed("gate_backbone", "films", "--json"))
    lines = printed("gate_backbone", "films", "2").splitlines()

    assert (found["version"], found["against"], found["passed"]) == (2, 1, True)
    assert [gate["name"] for gate in found["gates"]] == ["files", "golden", "parity", "latency", "gauc", "ndcg"]
    assert lines[0] == "✓ Files unchanged: Every file has the hash it was stored with."
    assert catalog.examinations.count() == 2


def test_a_passing_version_takes_over_and_back_again_in_under_a_second(catalog, printed):
    real_version(catalog)
    printed("gate_backbone", "films")
    taken = json.loads(printed("promote_backbone", "films", "--json"))
    back = json.loads(printed("promote_backbone", "films", "--roll-back", "--json"))

    assert (taken["version"], taken["previous"], taken["overridden"]) == (2, 1, [])
    assert (back["version"], back["previous"]) == (1, 2)
    assert back["ms"] < 1000
    assert catalog.backbone_versions.get(state=VersionState.ACTIVE).number == 1


def test_gates_in_the_way_refuse_and_a_lead_overrides_them_with_a_reason(catalog, printed):
    lead = builders.make_account("lena", role="lead")
    confused_version(catalog)
    printed("gate_backbone", "films")
    with pytest.raises(CommandError, match=r"Version 2 may not take over\. Same answers after export"):
        call_command("promote_backbone", "films")
    with pytest.raises(CommandError, match="name a lead with --account"):
        call_command("promote_backbone", "films", "--override", "Because.")
    examined(real_version(catalog), gauc="unsure")
    said = printed("promote_backbone", "films", "--override", "Because.", "--account", "lena")
    taken = catalog.activations.get()

    assert "Version 3 is active" in said
    assert (taken.account, taken.reason) == (lead, "Because.")
    assert [gate["name"] for gate in taken.overridden] == ["gauc"]


def test_files_are_verified_and_a_changed_one_fails(catalog, printed):
    other = real_version(catalog)
    assert printed("verify_backbone", "films") == "version 1: unchanged\nversion 2: unchanged\n"
    (files.folder_of(other) / "ids.json").unlink()
    with pytest.raises(CommandError, match="Not what was stored: version 2"):
        printed("verify_backbone", "films")
    assert "version 1: unchanged" in printed("verify_backbone", "films", "1")
    catalog.backbone_versions.filter(number=2).update(manifest_hash="")

    assert "made by an earlier release" in printed("verify_backbone", "films", "2")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gate_backbone", "flims"], "Catalogs: films"),
        (["gate_backbone", "films", "7"], "Versions: 1"),
        (["promote_backbone", "films", "--account", "nobody"], "no lead called 'nobody'"),
        (["promote_backbone", "films", "1", "--roll-back"], "leave the number out"),
        (["promote_backbone", "films", "--roll-back"], "no earlier version"),
        (["verify_backbone", "films", "7"], "Versions: 1"),
    ],
)
def test_mistakes_are_one_clear_sentence(catalog, arguments, says):
    with pytest.raises(CommandError, match=says):
        call_command(*arguments)
