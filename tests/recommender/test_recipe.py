import pytest

from recommender.backbones.registry import ARCHITECTURES
from recommender.recipe import BACKBONES, TrainConfig


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
