"""Names as other languages write them."""

import pytest

from recommender.grounding.people import spellings


@pytest.mark.parametrize(
    ("surname", "said"),
    [
        ("chekhov", {"tschechow", "chejov"}),
        ("tolstoy", {"tolstoi"}),
        ("dostoevsky", {"dostojewski", "dostoievski"}),
        ("pushkin", {"puschkin"}),
        ("bulgakov", {"bulgakow"}),
        ("akhmatova", {"achmatowa", "ajmatova"}),
        ("joy", set()),
        ("varda", set()),
        ("spielberg", set()),
        ("von trier", set()),
    ],
)
def test_cyrillic_names_have_german_and_spanish_spellings(surname: str, said: set[str]) -> None:
    assert spellings(surname) == said
