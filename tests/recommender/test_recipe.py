import pytest

from recommender.backbones.registry import ARCHITECTURES
from recommender.recipe import BACKBONES, TrainConfig
from recommender.setting import Choice, SettingError, settings_of


def test_a_config_survives_json_unchanged():
    config = TrainConfig(history=7, head=(8, 4), learning_rate=0.01)

    assert TrainConfig.from_json(config.to_json()) == config


def test_missing_keys_take_their_defaults():
    assert TrainConfig.from_json({"seed": 5}) == TrainConfig(seed=5)


def test_an_unknown_key_raises_and_is_named():
    with pytest.raises(ValueError, match="learnig_rate"):
        TrainConfig.from_json({"learnig_rate": 0.1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("backbone", "nothing"),
        ("split", "random"),
        ("adapter", "moe?"),
        ("select_by", "test"),
        ("calibration", "isotonic"),
        ("whiten", 2000),
        ("knowledge_gate", 1),
        ("demographics", "no"),
        ("history", 0),
        ("history", "30"),
        ("epochs", True),
        ("dropout", 1.0),
        ("learning_rate", 0),
        ("learning_rate", float("nan")),
        ("head", ()),
        ("head", [0]),
        ("head", "200"),
        ("seed", -1),
    ],
)
def test_a_value_out_of_range_raises_and_names_its_field(name, value):
    with pytest.raises(ValueError, match=name):
        TrainConfig.from_json({name: value})


def test_the_names_pages_offer_are_the_architectures_there_are():
    assert set(BACKBONES) == set(ARCHITECTURES)


def test_an_error_carries_its_field_and_all_errors_are_told_at_once():
    with pytest.raises(SettingError, match=r"^history must be a whole number from 1 to 1000; it is 0\.$") as caught:
        TrainConfig(history=0, dropout=2.0, attention=())

    assert caught.value.field == "history"
    assert {error.field: error.wrong for error in caught.value.all}[
        "dropout"
    ] == "must be a number from 0 to 0.95; it is 2.0."
    assert len(caught.value.all) == 3


def test_a_changed_copy_is_checked_and_the_first_stays_as_it_is():
    config = TrainConfig()

    assert config.but(epochs=3) == TrainConfig(epochs=3) != config
    with pytest.raises(SettingError, match="fold belongs to the split kar"):
        config.but(fold=2)
    with pytest.raises(ValueError, match="frozen"):
        config.epochs = 3


def test_a_backbone_is_its_file_and_a_row_for_every_page(monkeypatch):
    with pytest.raises(SettingError, match="backbone must be one of"):
        TrainConfig(backbone="made_up")
    monkeypatch.setitem(BACKBONES, "made_up", Choice("Made up", "nothing yet"))

    assert TrainConfig(backbone="made_up").backbone == "made_up"
    assert ("made_up", "Made up: nothing yet") in settings_of(TrainConfig)["backbone"].words
