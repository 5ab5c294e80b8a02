import pytest
from django.db import IntegrityError, transaction

from recommender.artifacts import files
from recommender.models import VersionState
from recommender.promotion import activation
from tests import builders
from tests.recommender.promotion.versions import examined, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead():
    return builders.make_account(role="lead")


def pass_and_activate(version, lead):
    """As after an examination in which all gates passed."""
    examined(version)
    return activation.activate(version, by=lead)


def states(catalog):
    return dict(catalog.backbone_versions.order_by("number").values_list("number", "state"))


def test_activating_retires_the_version_before_and_says_who_did_it(lead):
    catalog = builders.make_catalog()
    first, second = make_version(catalog), make_version(catalog)
    pass_and_activate(first, lead)
    taken = pass_and_activate(second, lead)

    assert states(catalog) == {1: VersionState.RETIRED, 2: VersionState.ACTIVE}
    assert (taken.previous, taken.version, taken.account, taken.kind) == (first, second, lead, "activate")


def test_activating_the_active_version_again_changes_nothing(lead):
    version = make_version(builders.make_catalog())

    assert pass_and_activate(version, lead) == activation.activate(version, by=None)


def test_rolling_back_walks_back_and_stops_at_the_first(lead):
    catalog = builders.make_catalog()
    versions = [make_version(catalog) for _ in range(3)]
    for version in versions:
        pass_and_activate(version, lead)

    assert [activation.roll_back(catalog, by=lead).version for _ in range(2)] == [versions[1], versions[0]]
    assert states(catalog) == {1: VersionState.ACTIVE, 2: VersionState.RETIRED, 3: VersionState.RETIRED}
    with pytest.raises(activation.NothingToRollBackError, match="no earlier version"):
        activation.roll_back(catalog, by=lead)
    assert (
        list(catalog.activations.order_by("pk").values_list("kind", flat=True)) == ["activate"] * 3 + ["roll_back"] * 2
    )


def test_a_version_that_takes_over_while_files_are_read_stays(lead, monkeypatch):
    catalog = builders.make_catalog()
    first, second, third = (make_version(catalog) for _ in range(3))
    pass_and_activate(first, lead)
    pass_and_activate(second, lead)
    read = files.changed_files

    def meanwhile(version):
        monkeypatch.setattr(files, "changed_files", read)
        pass_and_activate(third, lead)
        return read(version)

    monkeypatch.setattr(files, "changed_files", meanwhile)
    with pytest.raises(activation.StaleActivationError):
        activation.roll_back(catalog, by=lead)
    assert states(catalog)[3] == VersionState.ACTIVE


def test_nothing_active_is_nothing_to_roll_back():
    with pytest.raises(activation.NothingToRollBackError):
        activation.roll_back(builders.make_catalog(), by=None)


def test_a_version_without_its_files_is_not_activated(lead):
    catalog = builders.make_catalog()
    first, lost = make_version(catalog), make_version(catalog)
    pass_and_activate(first, lead)
    files.folder_of(lost).rmdir()

    with pytest.raises(activation.ArtifactMissingError, match=lost.artifact):
        pass_and_activate(lost, lead)
    assert states(catalog) == {1: VersionState.ACTIVE, 2: VersionState.CANDIDATE}


def test_the_database_allows_one_active_version_per_catalog():
    catalog = builders.make_catalog()
    make_version(catalog, state=VersionState.ACTIVE)

    with pytest.raises(IntegrityError), transaction.atomic():
        make_version(catalog, state=VersionState.ACTIVE)
    make_version(builders.make_catalog(), state=VersionState.ACTIVE)


def test_without_measured_gates_a_version_is_refused_and_nothing_changes(lead):
    version = make_version(builders.make_catalog())

    with pytest.raises(activation.GatesError, match="have not been measured yet"):
        activation.activate(version, by=lead)
    assert states(version.catalog) == {1: VersionState.CANDIDATE}


@pytest.mark.parametrize("outcome", ["failed", "unsure"])
def test_a_gate_that_has_not_passed_refuses_by_name(lead, outcome):
    version = make_version(builders.make_catalog())
    examined(version, ndcg=outcome)

    said = r"Version 1 may not take over\. First ten of each list: First ten of each list was measured"
    with pytest.raises(activation.GatesError, match=said) as why:
        activation.activate(version, by=lead)
    assert [gate["name"] for gate in why.value.objections] == ["ndcg"]


def test_the_latest_examination_counts(lead):
    version = make_version(builders.make_catalog())
    examined(version)
    examined(version, latency="failed")

    with pytest.raises(activation.GatesError, match="Fast enough"):
        activation.activate(version, by=lead)
    examined(version)
    assert activation.activate(version, by=lead).overridden == []


def test_gates_measured_against_another_version_are_stale(lead):
    catalog = builders.make_catalog()
    first, second, third = (make_version(catalog) for _ in range(3))
    pass_and_activate(first, lead)
    examined(third)
    pass_and_activate(second, lead)

    with pytest.raises(activation.GatesError, match="against version 1, and version 2 is active by now"):
        activation.activate(third, by=lead)


def test_a_gate_that_was_never_measured_is_missing(lead):
    version = make_version(builders.make_catalog())
    examination = examined(version)
    examination.gates = [gate for gate in examination.gates if gate["name"] != "golden"]
    examination.save()

    with pytest.raises(activation.GatesError, match="Same answers after export: It was not measured"):
        activation.activate(version, by=lead)


def test_a_version_trained_on_a_control_does_not_take_over_by_itself(lead):
    version = make_version(builders.make_catalog())
    version.config = {**version.config, "knowledge_source": "shuffled"}
    version.save()

    with pytest.raises(activation.GatesError, match="trained on a control, shuffled"):
        pass_and_activate(version, lead)


def test_an_override_keeps_who_why_and_which_gates(lead):
    version = make_version(builders.make_catalog())
    examined(version, gauc="unsure", latency="failed")
    with pytest.raises(activation.GatesError):
        activation.activate(version, by=lead, override="  ")
    taken = activation.activate(version, by=lead, override=" The catalog is small. ")

    assert (taken.account, taken.reason) == (lead, "The catalog is small.")
    assert [(gate["name"], gate["outcome"]) for gate in taken.overridden] == [("latency", "failed"), ("gauc", "unsure")]


def test_a_reason_that_was_not_needed_is_no_override(lead):
    version = make_version(builders.make_catalog())
    examined(version)
    taken = activation.activate(version, by=lead, override="To be safe.")

    assert (taken.overridden, taken.reason) == ([], "")


def test_going_back_needs_no_gates(lead):
    catalog = builders.make_catalog()
    first, second = make_version(catalog), make_version(catalog)
    pass_and_activate(first, lead)
    pass_and_activate(second, lead)
    examined(first, gauc="failed")

    assert activation.roll_back(catalog, by=lead).version == first


def sealed(version):
    folder = files.folder_of(version)
    for name in ("manifest.json", "weights.safetensors"):
        (folder / name).write_text("{}")
    version.manifest_hash = files.seal(folder)
    version.save(update_fields=["manifest_hash"])


def change(version):
    weights = files.folder_of(version) / "weights.safetensors"
    weights.unlink()
    weights.write_text("other")


def test_a_changed_file_is_not_activated_even_with_a_reason(lead):
    version = make_version(builders.make_catalog())
    sealed(version)
    examined(version)
    assert files.changed_files(version) == []
    change(version)

    assert files.changed_files(version) == ["weights.safetensors"]
    with pytest.raises(activation.ArtifactMissingError, match=r"not what was stored: weights\.safetensors"):
        activation.activate(version, by=lead, override="It will do.")


def test_nothing_goes_back_to_a_version_with_a_changed_file(lead):
    catalog = builders.make_catalog()
    first, second = make_version(catalog), make_version(catalog)
    pass_and_activate(first, lead)
    pass_and_activate(second, lead)
    sealed(first)
    change(first)

    with pytest.raises(activation.ArtifactMissingError, match=r"weights\.safetensors\. Activate another version"):
        activation.roll_back(catalog, by=lead)
    assert states(catalog) == {1: VersionState.RETIRED, 2: VersionState.ACTIVE}


def test_a_version_that_this_process_cannot_rank_with_is_not_activated(lead):
    version = make_version(builders.make_catalog())
    folder = files.folder_of(version)
    (folder / "manifest.json").write_text('{"format": 0}')
    version.manifest_hash = files.seal(folder)
    version.save()
    examined(version)

    with pytest.raises(activation.ArtifactMissingError, match=r"cannot be used here\. Its format is 0"):
        activation.activate(version, by=lead, override="It will do.")


def test_a_rewritten_manifest_and_an_added_file_are_changes_too():
    version = make_version(builders.make_catalog())
    folder = files.folder_of(version)
    (folder / "manifest.json").write_text("{}")
    version.manifest_hash = files.seal(folder)
    (folder / "extra").write_text("")
    assert files.changed_files(version) == ["extra"]
    (folder / "manifest.json").chmod(0o644)
    (folder / "manifest.json").write_text('{"files": {}}')

    assert files.changed_files(version) == ["manifest.json"]


def test_a_sealed_file_is_read_only():
    version = make_version(builders.make_catalog())
    folder = files.folder_of(version)
    (folder / "manifest.json").write_text("{}")
    files.seal(folder)

    assert (folder / "manifest.json").stat().st_mode & 0o222 == 0
