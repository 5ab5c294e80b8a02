import hashlib

import numpy as np
import pytest
import torch

from recommender.models import KnowledgeVector
from recommender.services.snapshots import encoder_key
from recommender.training import encoder

pytestmark = pytest.mark.django_db


def hashed(*texts):
    return {hashlib.sha256(text.encode()).hexdigest(): text for text in texts}


def test_a_vector_is_the_mean_over_a_texts_own_tokens(tiny_encoder):
    loaded = encoder.load(tiny_encoder)
    text = "liked it"
    with torch.inference_mode():
        states = loaded.model(**loaded.tokenizer([text], return_tensors="pt")).last_hidden_state[0]
    # Encoded beside a longer text, so that the short one is padded.
    short, _ = loaded.encode([text, "a much longer text about many more things"], done=lambda n: None)

    np.testing.assert_allclose(short, states.mean(dim=0), atol=1e-6)


def test_vectors_come_in_the_order_of_the_texts_whatever_their_length(tiny_encoder):
    loaded = encoder.load(tiny_encoder)
    texts = ["word " * (1 + n * 7 % 10) + str(n) for n in range(70)]
    together = loaded.encode(texts, done=lambda n: None)

    for n in (0, 33, 69):
        np.testing.assert_allclose(together[n], loaded.encode([texts[n]], done=lambda n: None)[0], atol=1e-5)


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


def test_known_texts_need_no_encoder_at_all(tiny_encoder):
    key = encoder_key(tiny_encoder)
    texts = hashed("one")
    encoder.vectors(texts, name=tiny_encoder, key=key, done=lambda n, of: None)

    assert encoder.vectors(texts, name="/gone", key=key, done=lambda n, of: None).keys() == texts.keys()


def test_long_texts_are_cut_at_the_encoders_limit(tiny_encoder):
    assert encoder.load(tiny_encoder).encode(["word " * 500], done=lambda n: None).shape == (1, 16)


def test_a_folders_key_names_it_and_changes_with_its_content(tiny_encoder, tmp_path):
    copy = tmp_path / "encoder"
    copy.mkdir()
    (copy / "config.json").write_text("{}")
    before = encoder_key(str(copy))
    (copy / "config.json").write_text('{"a": 1}')

    assert before.startswith("encoder@")
    assert encoder_key(str(copy)) != before
    assert str(tmp_path) not in before
    assert encoder_key("minilm") == "minilm"


@pytest.mark.slow
def test_minilm_comes_with_its_package_and_knows_what_is_alike():
    loaded = encoder.load("minilm")
    vectors = loaded.encode(["A cat sleeps.", "A kitten naps.", "Stocks fell on Monday."], done=lambda n: None)
    cat, kitten, stocks = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    assert vectors.shape == (3, 384)
    assert cat @ kitten > 0.5 > cat @ stocks
