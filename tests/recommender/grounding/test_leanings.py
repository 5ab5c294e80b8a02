"""How words around an aspect lean: what the aspect is never tells, and what was learnt is kept."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fit_leanings import fit, rows_of, store
from benchmarks.fit_tagger import marked_text
from recommender.grounding.leanings import LONGEST, SLOTS, Leanings, Masked, leanings


def lean(text: str, aspect: str, known: Leanings | None = None) -> float:
    start = text.index(aspect)
    place = start, start + len(aspect)
    return (known or leanings()).around(Masked(text, [place]), *place)


@pytest.mark.parametrize(
    ("text", "likes"),
    [
        ("I can't get enough of X!", True),
        ("X bore me to tears.", False),
        ("Please, no more X.", False),
        ("Ich liebe X.", True),
        ("X langweilen mich.", False),
        ("Me encantan los X.", True),
        ("No soporto los X.", False),
    ],
)
def test_expressions_of_three_languages_lean_as_they_are_meant(text: str, likes: bool) -> None:
    of_each = {aspect: lean(text.replace("X", aspect), aspect) for aspect in ("Westerns", "silent films", "Cats")}
    assert (of_each["Cats"] > 0) == likes
    assert len(set(of_each.values())) == 1  # whatever is spoken of


def test_other_aspects_do_not_tell_either() -> None:
    texts = [f"I adore {first}, but {second} bore me." for first, second in (("war", "art"), ("horror films", "opera"))]
    masked = [Masked(text, [(8, text.index(",")), (text.index("but ") + 4, text.index(" bore"))]) for text in texts]
    assert masked[0].sequences(8, 11) == masked[1].sequences(8, 20)


@given(st.text(max_size=80), st.integers(0, 80), st.integers(0, 20))
def test_anything_leans_somehow(text: str, start: int, length: int) -> None:
    slots = Masked(text, [(start, start + length)]).sequences(start, start + length)
    assert slots == sorted(set(slots))
    assert all(0 <= slot < SLOTS for slot in slots)
    assert len(slots) <= LONGEST * (2 * 8 + 1)
    assert np.isfinite(leanings().around(Masked(text, []), start, start + length))


def test_what_is_fitted_tells_likes_from_dislikes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["Zounds, {+ dramas} zing.", "Alas, {- horror} zaps.", "{+ Opera} zings me.", "{- Ballet} zaps me."]
    rows, signs = rows_of([marked_text("made up", "e", line) for line in lines])
    assert signs.tolist() == [1, -1, 1, -1]
    store(*fit(rows, signs, 0.5), tmp_path / "leanings.safetensors")
    monkeypatch.setattr("recommender.grounding.leanings.WEIGHTS", tmp_path / "leanings.safetensors")
    own = leanings.__wrapped__()
    assert lean("Zounds, westerns!", "westerns", own) > 0 > lean("Alas, westerns!", "westerns", own)
