"""How pages call what people did: likes and purchases are no ratings."""

import pytest

from reviews import feedback
from reviews.feedback import Said


@pytest.mark.parametrize(
    ("said", "noun", "verb"),
    [
        ([(4.0, True), (2.0, False)], "ratings", "rated"),
        ([(None, True)], "likes", "liked"),
        ([(None, False), (None, True)], "likes and dislikes", "liked or disliked"),
        ([(None, True), (4.0, True)], "ratings and likes", "rated or liked"),
        ([(None, False), (None, True), (1.0, None)], "ratings, likes and dislikes", "rated, liked or disliked"),
        ([(None, None), (None, True)], "history", "liked or met"),
        ([], "history", ""),
    ],
)
def test_what_people_did_is_called_what_it_was(said: list[Said], noun: str, verb: str) -> None:
    assert (feedback.noun(said), feedback.verb(said)) == (noun, verb)
