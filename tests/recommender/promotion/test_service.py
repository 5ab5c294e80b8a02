"""Examinations: gates and receipts after a real training, once, whoever dies and however often it is asked."""

from datetime import timedelta

import pytest
from django.utils import timezone

from recommender.artifacts import files
from recommender.models import EndUser, Examination, ImpactReceipt, RunState, VersionState
from recommender.promotion import activation, service
from recommender.promotion.gates import REQUIRED
from recommender.recipe import TrainConfig
from recommender.runs import service as runs
from recommender.runs.kinds import TRAINING
from recommender.runs.leases import MOST_ATTEMPTS
from tests.carried_out import carried_out, with_examination
from tests.recommender.promotion.made import confused_version, real_version
from tests.recommender.promotion.versions import make_version
from tests.recommender.training import synthetic

pytestmark = [pytest.mark.django_db, pytest.mark.once]

QUICK = TrainConfig(epochs=1, embedding=4, history=5, head=(8,), adapter_hidden=8, adapter_width=4)


@pytest.fixture(autouse=True)
def own_settings(settings, tiny_encoder, tmp_path):
    settings.ENCODER = tiny_encoder
    settings.VAR_DIR = tmp_path
    settings.GATES = {**settings.GATES, "latency_ms": 60_000.0}


@pytest.fixture
def catalog():
    return synthetic.in_database()


def train(catalog, **choices):
    asked = runs.request(TRAINING, queue=False, catalog=catalog, config=QUICK.to_json(), **choices)
    return with_examination(asked).version


def look(version, **choices):
    asked = service.request_examination(version, queue=False, **choices)
    carried_out(asked)
    version.refresh_from_db()
    return asked


def test_the_first_version_passes_and_is_activated_by_itself(catalog):
    version = train(catalog, activate=True)
    examination = version.examinations.get()

    assert version.state == VersionState.ACTIVE
    assert [gate["name"] for gate in examination.gates] == list(REQUIRED)
    assert examination.not_passed == []
    assert examination.outcome == "It was activated."
    assert (version.receipt.previous, version.receipt.content["lists"]) == (None, None)
    assert files.changed_files(version) == []
    assert {"golden.json", "test.npz", "metrics.json", "weights.safetensors", "model.onnx"} <= {
        one.name for one in files.folder_of(version).iterdir()
    }


def test_a_rebuild_with_new_knowledge_has_a_receipt_against_the_active_version(catalog):
    first = train(catalog, activate=True)
    synthetic.approve(EndUser.objects.get(catalog=catalog, external_id="u000"), "likes horror")
    second = train(catalog)
    receipt = second.receipt

    assert (second.state, receipt.previous) == (VersionState.CANDIDATE, first)
    assert receipt.content["knowledge"]["entered"] == {"end_user": 1, "item": 0}
    assert receipt.content["lists"]["end_users"] == 30
    assert receipt.content["metrics"]["differences"]["gauc"]["end_users"] == 30
    assert receipt.content["metrics"]["own"]["gauc"]["low"] < receipt.content["metrics"]["own"]["gauc"]["high"]
    assert set(second.metrics["intervals"]) == {"with_knowledge", "without_knowledge", "gain"}


def test_a_version_that_is_worse_stays_a_candidate_and_says_why(catalog):
    active = real_version(catalog, state=VersionState.ACTIVE)
    worse = confused_version(catalog)
    asked = look(worse, activate=True)

    assert (asked.state, asked.against, worse.state) == (RunState.DONE, active, VersionState.CANDIDATE)
    assert "It stays a candidate. Version 2 may not take over. Same answers after export" in asked.outcome
    assert "Order of each user's items" in asked.outcome
    assert not catalog.activations.exists()
    with pytest.raises(activation.GatesError):
        activation.activate(worse, by=None)


def test_gates_are_measured_again_on_demand_and_the_receipt_is_not_written_again(catalog):
    real_version(catalog, state=VersionState.ACTIVE)
    version = real_version(catalog)
    first, written = look(version), ImpactReceipt.objects.get()
    second = look(version)

    assert [gate["outcome"] for gate in first.gates] == [gate["outcome"] for gate in second.gates]
    assert second.pk != first.pk
    assert ImpactReceipt.objects.get().created_at == written.created_at
    carried_out(second)
    assert Examination.objects.get(pk=second.pk).finished_at == second.finished_at


def test_a_receipt_of_an_unreadable_predecessor_says_so(catalog):
    active = real_version(catalog, state=VersionState.ACTIVE)
    version = real_version(catalog)
    (files.folder_of(active) / "model.onnx").unlink()
    look(version, activate=True)

    assert version.state == VersionState.ACTIVE
    assert "The lists could not be compared" in version.receipt.content["note"]


def test_one_that_waits_is_not_asked_for_twice(catalog):
    version = make_version(catalog)

    assert service.request_examination(version, queue=False) == service.request_examination(version, queue=False)
    assert service.request_examination(version, activate=True, queue=False).activate


def test_a_lost_examination_is_found_and_done_again_but_not_for_ever(catalog, broker):
    version = real_version(catalog)
    lost = service.request_examination(version, activate=True, queue=False)
    hopeless = service.request_examination(version, queue=False)
    expired = timezone.now() - timedelta(seconds=1)
    for one, attempts in ((lost, 1), (hopeless, MOST_ATTEMPTS)):
        one.state, one.progress, one.lease_expires_at = RunState.RUNNING, {"attempt": attempts}, expired
        one.save()

    assert runs.sweep(timezone.now()) == [lost, hopeless]
    for one in (lost, hopeless):
        carried_out(one)
    version.refresh_from_db()
    assert (lost.state, version.state) == (RunState.DONE, VersionState.ACTIVE)
    assert hopeless.state == RunState.FAILED


def test_a_worker_that_lost_its_lease_stores_no_gates_and_activates_nothing(catalog, monkeypatch):
    version = real_version(catalog)
    asked = service.request_examination(version, activate=True, queue=False)
    write = service.receipts.write

    def lose_the_lease(*arguments, **choices):
        Examination.objects.filter(pk=asked.pk).update(lease_token="theirs")
        return write(*arguments, **choices)

    monkeypatch.setattr(service.receipts, "write", lose_the_lease)
    carried_out(asked)
    version.refresh_from_db()

    assert (asked.state, asked.gates, version.state) == (RunState.RUNNING, [], VersionState.CANDIDATE)


def test_a_version_that_another_took_over_from_meanwhile_stays_a_candidate(catalog, monkeypatch):
    version, other = real_version(catalog), real_version(catalog)
    look(other)
    write = service.receipts.write

    def activate_the_other(*arguments, **choices):
        activation.activate(other, by=None)
        return write(*arguments, **choices)

    monkeypatch.setattr(service.receipts, "write", activate_the_other)
    asked = look(version, activate=True)

    assert version.state == VersionState.CANDIDATE
    assert "Version 2 is active by now." in asked.outcome


def test_an_error_is_kept_in_the_row(catalog, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(service, "examine", broken)
    asked = look(make_version(catalog))

    assert (asked.state, asked.error) == (
        RunState.FAILED,
        "The gates could not be measured. ZeroDivisionError: by nothing",
    )


def test_progress_names_both_steps(catalog):
    real_version(catalog, state=VersionState.ACTIVE)
    stages = []

    class Watching(synthetic.Silent):
        def at(self, stage, done, of, note=""):
            stages.append(stage)

    asked = service.request_examination(real_version(catalog), queue=False)
    carried_out(asked, observer=Watching())

    assert stages[0] == "gates"
    assert stages[-1] == "lists"
    assert set(stages) == {"gates", "lists"}
