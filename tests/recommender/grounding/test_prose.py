"""Which attribute values describe an item, and which are names that items share."""

import pytest

from recommender.grounding.lexicon import Lexicon
from recommender.grounding.prose import has_prose, is_prose, prose_of, without_prose

STORY = "Two thieves rob a bank in Naples and hide in a convent."


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (STORY, True),
        ("Ein alter Bauer zieht mit seinem Hund in die Stadt.", True),
        ("一个年轻的渔夫在海边遇到一条会说话的鱼", True),
        ("A bank is robbed in Naples today.", False),  # seven words
        ("Action, Adventure, Comedy, Crime, Drama, Fantasy, Horror, Mystery, War", False),  # a list
        ("Al Pacino, Robert De Niro, Val Kilmer, Jon Voight, Ashley Judd", False),
        ("动作，冒险，喜剧，犯罪，剧情，奇幻，恐怖，悬疑，战争", False),
        ("Science Fiction", False),
        ("", False),
        (1995, False),
        (None, False),
        (True, False),
    ],
)
def test_a_sentence_is_prose_and_a_list_of_names_is_not(value: object, expected: bool) -> None:
    assert is_prose(value) is expected


def test_of_a_list_each_value_is_judged() -> None:
    attributes = {"notes": ["Naples", STORY], "about": [STORY], "genres": ["Crime"], "year": 1964}
    assert has_prose(attributes["notes"])
    assert without_prose(attributes) == {"notes": ["Naples"], "genres": ["Crime"], "year": 1964}
    assert prose_of(attributes) == [("notes", STORY), ("about", STORY)]
    values = {"genres": ["Crime"]}
    assert without_prose(values) is values


def test_a_shop_s_html_is_no_part_of_what_is_told() -> None:
    told = "<p>A crew of thieves &amp; a priest<br>cross the sea in a rowing boat.</p>"
    assert prose_of({"body": told}) == [("body", "A crew of thieves & a priest cross the sea in a rowing boat.")]


def test_a_description_is_no_word_for_an_item_however_its_attribute_is_called() -> None:
    said = "He was a poor boy of the old port"
    lexicon = Lexicon.of([("i1", "Heat", {"director": said, "tone": said, "genres": ["Crime"]})])
    assert [value for value in lexicon._values if "port" in value.split()] == []
    assert "crime" in lexicon._values
