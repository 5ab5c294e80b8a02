import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from recommender.artifacts import files
from recommender.management.commands import train_backbone
from recommender.models import Item, RunState, TrainingRun, VersionState
from recommender.recipe import STORED_AS
from tests.recommender.training import synthetic

pytestmark = [pytest.mark.django_db, pytest.mark.once]
QUICK = ["--epochs", "1", "--history", "5"]


@pytest.fixture(autouse=True)
def quick_encoder(settings, tiny_encoder, tmp_path):
    settings.ENCODER = tiny_encoder
    settings.VAR_DIR = tmp_path


def test_json_names_the_version_its_metrics_and_its_snapshot(capsys):
    catalog = synthetic.in_database("films")
    call_command("train_backbone", "films", "--activate", "--json", *QUICK)
    printed = capsys.readouterr()
    found = json.loads(printed.out)

    assert (found["version"], found["state"], found["backbone"]) == (1, "active", "din")
    assert found["snapshot"]["number"] == 1
    assert found["metrics"]["with_knowledge"]["test"]["samples"] == 120
    assert found["seconds"] > 0
    assert "Training without texts" in printed.err
    assert catalog.backbone_versions.get().state == VersionState.ACTIVE


def test_people_get_both_models_side_by_side(capsys):
    synthetic.in_database("films")
    call_command("train_backbone", "films", *QUICK)
    printed = capsys.readouterr().out

    assert "din 1 of films is candidate" in printed
    assert "test without knowledge" in printed
    assert "0 knowledge texts. With and without knowledge are one model." in printed


def test_inputs_can_be_left_out_by_name(capsys):
    synthetic.in_database("films")
    call_command("train_backbone", "films", "--json", "--off", "match", "--off", "drift", *QUICK)
    config = TrainingRun.objects.get().config

    assert json.loads(capsys.readouterr().out)["version"] == 1
    assert [config[name] for name in ("match", STORED_AS["drift"], "metadata")] == [False, False, True]


def test_queue_leaves_it_to_a_worker(broker, capsys, django_capture_on_commit_callbacks):
    synthetic.in_database("films")
    with django_capture_on_commit_callbacks(execute=True) as sent:
        call_command("train_backbone", "films", "--queue", "--json", *QUICK)
    run = TrainingRun.objects.get()

    assert json.loads(capsys.readouterr().out) == {"run": run.pk, "state": "waiting"}
    assert (run.state, run.config["epochs"]) == (RunState.WAITING, 1)
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["flims"], "Catalogs: empty, films"),
        (["films", "--epochs", "0"], "epochs must be"),
        (["films", "--fold", "3"], "belongs to the split kar"),
        (["empty"], "0 interactions"),
    ],
)
def test_mistakes_are_one_clear_sentence(arguments, says):
    synthetic.in_database("films", end_users=1)
    synthetic.builders.make_catalog("empty")
    with pytest.raises(CommandError, match=says):
        call_command("train_backbone", *arguments)


def test_a_control_takes_the_place_of_knowledge_and_is_never_activated_by_the_command(capsys):
    catalog = synthetic.in_database("films")
    for number in range(4):
        item = Item.objects.get(catalog=catalog, external_id=f"i{number:03}")
        synthetic.approve(item, f"what everybody should know of film {number}", as_of=999)
    scores = []
    for more in ([], ["--control", "random"]):
        call_command("train_backbone", "films", "--json", *more, *QUICK)
        scores.append(json.loads(capsys.readouterr().out)["metrics"])

    version = catalog.backbone_versions.latest("number")
    assert version.config["knowledge_source"] == "random"
    assert "with the control random in its place" in train_backbone.summary(version)
    assert scores[0]["without_knowledge"]["test"] == scores[1]["without_knowledge"]["test"]
    assert scores[0]["with_knowledge"]["test"] != scores[1]["with_knowledge"]["test"]
    with pytest.raises(CommandError, match="for comparison"):
        call_command("train_backbone", "films", "--control", "random", "--activate", *QUICK)


def test_titles_and_attributes_can_join_as_sentences(capsys):
    catalog = synthetic.in_database("films")
    call_command("train_backbone", "films", "--json", "--metadata-text", *QUICK)
    version = catalog.backbone_versions.get()

    assert version.config["metadata_text"]
    with np.load(files.folder_of(version) / "signal_gaussian_process.npz") as stored:
        assert {"space_0", "space_1"} <= set(stored)  # attributes, and sentences beside them
