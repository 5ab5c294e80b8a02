import json

import pytest

from recommender.knowledge.encoder_choice import EncoderChoice


def test_short_names_stand_for_the_hubs():
    assert EncoderChoice("bge-m3").key() == "BAAI/bge-m3"
    assert EncoderChoice("bert").source == "google-bert/bert-base-uncased"
    assert EncoderChoice("longformer").source == "allenai/longformer-base-4096"
    assert EncoderChoice("someone/encoder").key() == "someone/encoder"
    assert EncoderChoice("minilm").key() == "minilm"
    assert EncoderChoice("e5-small").key() == "e5-small"


@pytest.mark.parametrize(
    ("name", "pools"), [("minilm", "mean"), ("bge-m3", "cls"), ("BAAI/bge-large-en-v1.5", "cls"), ("bert", "mean")]
)
def test_each_encoder_is_pooled_as_it_was_trained_unless_told_otherwise(name, pools):
    other = {"mean": "cls", "cls": "mean"}[pools]

    assert EncoderChoice(name).pools == pools
    assert EncoderChoice(name, other).pools == other


def test_the_key_says_what_is_not_the_encoders_own():
    own = EncoderChoice("bge-m3")
    changed = [EncoderChoice("bge-m3", "mean"), EncoderChoice("bge-m3", longest=512), EncoderChoice("bert")]

    assert EncoderChoice("bge-m3", "cls", batch=1).key() == own.key()
    assert len({one.key() for one in [own, *changed]}) == 4
    assert EncoderChoice("bge-m3", "mean", 512).key() == "BAAI/bge-m3 mean 512 tokens"


def test_a_folders_key_names_it_and_changes_with_its_content(tmp_path):
    copy = tmp_path / "encoder"
    copy.mkdir()
    (copy / "config.json").write_text("{}")
    before = EncoderChoice(str(copy)).key()
    (copy / "config.json").write_text('{"a": 1}')

    assert before.startswith("encoder@")
    assert EncoderChoice(str(copy)).key() != before
    assert str(tmp_path) not in before


def test_a_folder_says_itself_how_it_is_pooled(tmp_path):
    before = EncoderChoice(str(tmp_path)).key()
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    choice = EncoderChoice(str(tmp_path))

    assert choice.pools == "cls"
    assert choice.key() != before


def test_the_longest_key_has_room_in_its_column():
    longest = EncoderChoice(f"{'o' * 60}/{'n' * 96}", "cls", 8192).key()

    assert len(longest) <= 120


def test_a_choice_takes_the_other_settings(settings):
    settings.ENCODER_POOLING, settings.ENCODER_MAX_TOKENS, settings.ENCODER_BATCH = "cls", 256, 4

    assert EncoderChoice.named("minilm") == EncoderChoice("minilm", "cls", 256, 4)
