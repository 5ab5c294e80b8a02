"""What a sentence of a text about an item tells of that item."""

import pytest

from recommender.grounding.telling import tells_of
from recommender.grounding.terms import stem


@pytest.mark.parametrize(
    ("sentence", "stems", "tells"),
    [
        ("A vampire stalks the city.", {"vampire"}, True),
        ("Two vampires stalk it.", {"vampire"}, True),
        ("Spies rob a bank.", {"spy", "bank"}, True),
        ("Ryder, known for Bram Stoker's Dracula (1992), leads.", {"dracula"}, False),
        ("Fans of Interview with the Vampire (1994) will like it.", {"vampire"}, False),
        ('It resembles "Alien" and "Robot Jox."', {"robot"}, False),
        ("Er gleicht „Der Vampir“ von früher.", {"vampir"}, False),
        ("Zombies came late (in 1968) to the farm.", {stem("zombie")}, True),
        ("The mayor (played by somebody, 1950) fights a mob.", {"mob"}, True),
        ("There is no robot in it.", {"robot"}, False),
        ("A robot.", {"robot", "love"}, False),
    ],
)
def test_titles_that_are_named_and_what_is_lacking_do_not_count(sentence: str, stems: set[str], tells: bool) -> None:
    assert tells_of(sentence, stems) is tells
