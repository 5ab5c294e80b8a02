import hashlib

import numpy as np
import pytest
import torch

from recommender.knowledge import encoder
from recommender.knowledge.snapshots import encoder_key
from recommender.measures.texts import meteor, similarities
from recommender.models import KnowledgeVector
from recommender.runs.errors import EncoderError
from tests import tiny_encoder as tiny

pytestmark = [pytest.mark.django_db, pytest.mark.once]
FAMILIES = ("bert", "xlm-roberta", "longformer")
TEXTS = ["word " * (1 + n * 7 % 10) + str(n) for n in range(70)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {family: tiny.make(tmp_path_factory.mktemp(family), family) for family in FAMILIES}


@pytest.fixture(params=FAMILIES)
def folder(request, folders):
    return folders[request.param]


def hashed(*texts):
    return {hashlib.sha256(text.encode()).hexdigest(): text for text in texts}


def encode(name, *texts):
    return encoder.load(name).encode(list(texts), done=lambda n: None)


def states(name, text, **inputs):
    """What the model says of each token of one text (T, D), asked without any of our code."""
    loaded = encoder.load(name)
    ids = loaded.tokenizer(text, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        return loaded.model(input_ids=ids, **inputs).last_hidden_state[0]


def test_a_vector_is_the_mean_over_a_texts_own_tokens(folder):
    # Encoded beside a longer text, so that the short one is padded.
    short, _ = encode(folder, "liked it", "a much longer text about many more things")

    np.testing.assert_allclose(short, states(folder, "liked it").mean(dim=0), atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_with_cls_pooling_a_vector_is_the_first_tokens_and_has_length_one(folders, family, settings):
    settings.ENCODER_POOLING = "cls"
    short, _ = encode(folders[family], "liked it", "a much longer text about many more things")
    first = states(folders[family], "liked it")[0]

    np.testing.assert_allclose(short, first / first.norm(), atol=1e-5)


def test_longformers_first_token_sees_a_long_text_to_its_end(folders, settings):
    settings.ENCODER_POOLING = "cls"
    beginning = "once upon a time there was a hobbit"
    one, other = encode(folders["longformer"], f"{beginning} who died", f"{beginning} who sang")
    ids = len("".join(beginning.split())) + 9
    first = states(
        folders["longformer"], f"{beginning} who died", global_attention_mask=torch.eye(1, ids, dtype=torch.int64)
    )[0]

    assert np.abs(one - other).max() > 0.01
    np.testing.assert_allclose(one, first / first.norm(), atol=1e-5)


def test_vectors_come_in_the_order_of_the_texts_whatever_their_length(folder):
    together = encode(folder, *TEXTS)

    for n in (0, 33, 69):
        np.testing.assert_allclose(together[n], encode(folder, TEXTS[n])[0], atol=1e-5)


def test_batches_hold_texts_of_similar_length_and_fewer_long_ones(tiny_encoder, settings, monkeypatch):
    settings.ENCODER_BATCH = 8
    monkeypatch.setattr(encoder, "FULL_BATCH_UP_TO", 16)
    loaded, shapes = encoder.load(tiny_encoder), []
    loaded.model.register_forward_pre_hook(
        lambda model, given, named: shapes.append(tuple(named["input_ids"].shape)), with_kwargs=True
    )
    loaded.encode(TEXTS, done=lambda n: None)

    assert [length for _, length in shapes] == sorted(length for _, length in shapes)
    assert all(texts * max(16, length) <= 8 * 16 for texts, length in shapes)
    assert {texts for texts, length in shapes if length <= 16} == {8}
    assert sum(texts for texts, _ in shapes) == len(TEXTS)


def test_only_texts_that_no_run_encoded_before_are_encoded(tiny_encoder):
    key, calls = encoder_key(tiny_encoder), []
    first = encoder.vectors(hashed("one", "two"), name=tiny_encoder, key=key, done=lambda n, of: calls.append((n, of)))
    second = encoder.vectors(
        hashed("one", "two", "three"), name=tiny_encoder, key=key, done=lambda n, of: calls.append((n, of))
    )

    assert calls == [(2, 2), (1, 1)]
    assert KnowledgeVector.objects.count() == 3
    for text_hash, vector in first.items():
        np.testing.assert_array_equal(second[text_hash], vector)


def test_many_texts_are_kept_piece_by_piece_and_counted_once(tiny_encoder, monkeypatch):
    monkeypatch.setattr(encoder, "KEPT_AT_A_TIME", 40)
    calls = []
    made = encoder.vectors(hashed(*TEXTS), name=tiny_encoder, key="k", done=lambda n, of: calls.append((n, of)))
    numbers = [n for n, _ in calls]

    assert numbers == sorted(set(numbers))
    assert calls[-1] == (70, 70)
    for text_hash, text in list(hashed(*TEXTS).items())[::23]:
        np.testing.assert_allclose(made[text_hash], encode(tiny_encoder, text)[0], atol=1e-5)


def test_known_texts_need_no_encoder_at_all(tiny_encoder):
    key = encoder_key(tiny_encoder)
    texts = hashed("one")
    encoder.vectors(texts, name=tiny_encoder, key=key, done=lambda n, of: None)

    assert encoder.vectors(texts, name="/gone", key=key, done=lambda n, of: None).keys() == texts.keys()


def test_long_texts_are_cut_at_the_encoders_limit(folder):
    loaded = encoder.load(folder)

    assert loaded.longest == tiny.POSITIONS
    assert loaded.encode(["word " * 500], done=lambda n: None).shape == (1, tiny.WIDTH)


def test_or_where_the_setting_says(folder, settings):
    settings.ENCODER_MAX_TOKENS = 10
    one, other = encode(folder, "abcdefgh and on", "abcdefgh and so forth")

    np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_limit_that_the_encoder_cannot_keep_is_refused(tiny_encoder, settings):
    settings.ENCODER_MAX_TOKENS = 512
    with pytest.raises(EncoderError, match=r"R4_ENCODER_MAX_TOKENS is 512, but .* reads at most 64"):
        encoder.load(tiny_encoder)


def test_a_folder_without_a_model_says_what_is_missing(tmp_path):
    with pytest.raises(EncoderError, match=r"The folder needs config\.json"):
        encoder.load(str(tmp_path))


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(EncoderError, match=r"There is no such folder\.$"):
        encoder.load(str(tmp_path / "nothing"))


def test_a_hub_that_cannot_be_reached_leads_to_the_folder(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EncoderError, match=r"'bge-m3' .*download BAAI/bge-m3 elsewhere.*name that folder"):
        encoder.load("bge-m3")


@pytest.mark.slow
def test_minilm_comes_with_its_package_and_knows_what_is_alike():
    vectors = encode("minilm", "A cat sleeps.", "A kitten naps.", "Stocks fell on Monday.")
    cat, kitten, stocks = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    assert vectors.shape == (3, 384)
    assert cat @ kitten > 0.5 > cat @ stocks


@pytest.mark.slow
def test_minilm_finds_a_paraphrase_near_where_no_word_is_shared():
    said, paraphrase = "She keeps coming back to family dramas.", "Stories about parents and children are favourites."
    other = "Deliveries arrive on weekdays between nine and noon."
    near, far = similarities([said] * 2, [paraphrase, other], lambda texts: encode("minilm", *texts))

    assert near > far + 0.2
    assert meteor(said, paraphrase) == meteor(said, other) == 0
