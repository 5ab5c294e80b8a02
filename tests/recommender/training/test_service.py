from datetime import timedelta

import pytest
from django.utils import timezone

from recommender import compiling
from recommender.artifacts import files, folded, kernels, verified
from recommender.models import EndUser, Item, RunState, VersionState
from recommender.recipe import TrainConfig
from recommender.runs import leases
from recommender.runs import service as runs
from recommender.runs.errors import StoppedError
from recommender.runs.kinds import TRAINING
from recommender.runs.recorder import Recorder
from tests import builders
from tests.carried_out import carried_out, with_examination
from tests.recommender.training import synthetic

pytestmark = [pytest.mark.django_db, pytest.mark.once]

QUICK = TrainConfig(epochs=2, patience=2, embedding=4, history=5, head=(8,), adapter_hidden=8, adapter_width=4)


@pytest.fixture(autouse=True)
def quick_encoder(settings, tiny_encoder, tmp_path):
    settings.ENCODER = tiny_encoder
    settings.VAR_DIR = tmp_path


@pytest.mark.skipif(compiling.compiler() is None or not compiling.is_x86(), reason="nothing can be compiled here")
def test_a_run_seals_kernels_with_its_version_and_a_dins_only_where_there_is_one_for_its_layers(settings):
    settings.KERNELS = True
    version = carried_out(ask(synthetic.in_database())).version
    stored = files.folder_of(version)

    assert {path.name for path in stored.glob("*.so")} == {f"{one}{kernels.SUFFIX}" for one in compiling.PROCESSORS}
    assert files.changed_files(version) == []
    assert not (stored / folded.FILES[0]).exists()  # its head has one hidden layer, the kernel's two
    assert verified.load(version).folded is None
    if kernels.look(version).processor:
        assert verified.load(version).signals.fitted["gaussian_process"].compiled is not None


def ask(catalog, **choices):
    return runs.request(TRAINING, queue=False, catalog=catalog, config=QUICK.to_json(), **choices)


def test_a_run_freezes_trains_twice_exports_and_activates():
    catalog = synthetic.in_database()
    approve_some(catalog)
    run = with_examination(ask(catalog, activate=True))
    version, metrics = run.version, run.version.metrics

    assert (run.state, run.error) == (RunState.DONE, "")
    assert (version.number, version.state, version.architecture) == (1, VersionState.ACTIVE, "din")
    assert (version.snapshot.end_user_count, version.snapshot.item_count) == (2, 2)
    assert TrainConfig.from_json(version.config) == QUICK
    for model in ("with_knowledge", "without_knowledge"):
        for part in ("valid", "test"):
            assert set(metrics[model][part]) >= {"auc", "gauc", "logloss", "samples"}
        assert metrics[model]["epochs"] == 2
        assert metrics[model]["samples_per_second"] > 0
    assert metrics["with_knowledge"]["test"] != metrics["without_knowledge"]["test"]
    assert metrics["samples"]["test"]["samples"] == 30 * 4
    assert 0 < metrics["coverage"]["train"]["end_user"] < 1
    assert run.progress["stage"] == "exporting"
    assert [epoch["model"] for epoch in run.progress["epochs"]] == ["without_knowledge"] * 2 + ["with_knowledge"] * 2
    assert verified.load(version).score("u000", []).shape == (catalog.items.count(),)
    assert [folder.name for folder in files.folder_for(catalog).iterdir()] == ["1"]


def approve_some(catalog):
    for external_id in ("u000", "u001"):
        synthetic.approve(EndUser.objects.get(catalog=catalog, external_id=external_id), f"likes {external_id}")
    for external_id in ("i000", "i001"):
        synthetic.approve(Item.objects.get(catalog=catalog, external_id=external_id), f"about {external_id}")


def test_without_knowledge_one_model_is_both_and_a_second_run_changes_nothing_of_the_first():
    catalog = synthetic.in_database()
    first, second = (carried_out(ask(catalog)).version for _ in range(2))

    assert first.metrics["same_model"]
    assert first.metrics["with_knowledge"] == first.metrics["without_knowledge"]
    assert (second.number, second.snapshot, second.data_hash) == (2, first.snapshot, first.data_hash)
    assert second.metrics["with_knowledge"]["test"] == first.metrics["with_knowledge"]["test"]
    assert {version.state for version in (first, second)} == {VersionState.CANDIDATE}
    carried_out(first.run)
    assert catalog.backbone_versions.count() == 2


def test_too_little_data_fails_with_what_is_missing():
    catalog = builders.make_catalog()
    builders.make_interaction(builders.make_end_user(catalog), builders.make_item(catalog))
    run = carried_out(ask(catalog))

    assert run.state == RunState.FAILED
    assert "longest history has 1" in run.error
    assert run.finished_at is not None


def test_an_empty_catalog_fails_in_plain_words_too():
    run = carried_out(ask(builders.make_catalog()))

    assert run.state == RunState.FAILED
    assert "0 interactions" in run.error


def test_an_encoder_that_cannot_be_loaded_is_said_in_the_row(settings):
    settings.ENCODER = "no/such-encoder"
    catalog = synthetic.in_database()
    approve_some(catalog)
    run = carried_out(ask(catalog))

    assert run.state == RunState.FAILED
    assert "The knowledge encoder 'no/such-encoder'" in run.error
    assert not list(files.folder_for(catalog).glob("*"))


def test_a_place_that_cannot_be_written_is_said_before_anything_is_trained(tmp_path):
    (tmp_path / "backbones").write_text("not a folder")
    run = carried_out(ask(synthetic.in_database()))

    assert run.state == RunState.FAILED
    assert run.error.startswith(f"Backbones cannot be stored in {tmp_path / 'backbones'}")
    assert "stage" not in run.progress
    assert not run.catalog.snapshots.exists()


def test_a_cancelled_run_stops_and_leaves_nothing():
    run = ask(synthetic.in_database())

    class Cancelling(synthetic.Silent):
        def epoch(self, epoch):
            assert runs.cancel(run)

    carried_out(run, observer=Cancelling())

    assert run.state == RunState.CANCELLED
    assert not list(files.folder_for(run.catalog).glob("*"))
    assert not runs.cancel(run)


def test_a_run_that_another_worker_holds_is_left_alone():
    run = ask(synthetic.in_database())
    run.state, run.lease_token, run.lease_expires_at = RunState.RUNNING, "theirs", timezone.now() + timedelta(minutes=1)
    run.save()
    run = carried_out(run)

    assert (run.state, run.lease_token) == (RunState.RUNNING, "theirs")


def test_a_lost_run_is_started_again_but_not_for_ever():
    catalog = synthetic.in_database()
    lost = ask(catalog)
    hopeless = ask(catalog)
    for run, attempts in ((lost, 1), (hopeless, leases.MOST_ATTEMPTS)):
        run.state, run.progress = RunState.RUNNING, {"attempt": attempts}
        run.lease_expires_at = timezone.now() - timedelta(seconds=1)
        run.save()
    left = files.folder_for(catalog) / f".run-{lost.pk}-of-a-dead-worker"
    left.mkdir(parents=True)

    assert carried_out(lost).state == RunState.DONE
    assert lost.progress["attempt"] == 2
    assert not left.exists()
    assert carried_out(hopeless).state == RunState.FAILED
    assert "ended 3 times" in hopeless.error


def test_a_worker_that_lost_its_lease_stops_and_stores_nothing():
    run = ask(synthetic.in_database())
    run.state, run.lease_token = RunState.RUNNING, "mine"
    run.save()
    recorder = Recorder(run)
    recorder.at("reading", 0, 1)
    type(run).objects.filter(pk=run.pk).update(lease_token="theirs")

    with pytest.raises(StoppedError):
        recorder.at("encoding", 0, 1)


def test_progress_is_written_about_once_a_second_not_at_every_step(django_assert_num_queries):
    run = ask(synthetic.in_database())
    run.state, run.lease_token = RunState.RUNNING, "mine"
    run.save()
    recorder = Recorder(run)

    with django_assert_num_queries(1):
        for step in range(1000):
            recorder.at("with_knowledge", step, 1000)


@pytest.mark.django_db(transaction=True)
def test_the_sweep_finds_lost_runs_and_waiting_ones_nobody_was_told_of(broker):
    catalog, now = builders.make_catalog(), timezone.now()
    fresh, unheard, lost = ask(catalog), ask(catalog), ask(catalog)
    type(fresh).objects.filter(pk=unheard.pk).update(created_at=now - timedelta(minutes=5))
    type(fresh).objects.filter(pk=lost.pk).update(state=RunState.RUNNING, lease_expires_at=now - timedelta(seconds=1))

    assert runs.sweep(now) == [lost, unheard]
    runs.send(unheard)
    assert runs.sweep(now) == [lost]  # the other may be the one whose message waits
    type(fresh).objects.filter(pk=lost.pk).update(lease_expires_at=now + timedelta(minutes=1))
    assert runs.sweep(now) == []
