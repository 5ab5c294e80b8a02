import pytest

from recommender.grounding import sentences


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Loves westerns. Why?  Nobody knows", ["Loves westerns.", "Why?", "Nobody knows"]),
        ("- war\n* 3 of 4 liked; none done\n\n2) no horror", ["war", "3 of 4 liked;", "none done", "no horror"]),
        ("喜欢西部片。不喜欢恐怖片。", ["喜欢西部片。", "不喜欢恐怖片。"]),
        ("Rated 4.5 on average (e.g. Alien).", ["Rated 4.5 on average (e.g.", "Alien)."]),
        (" …\n--\n", []),
    ],
)  # fmt: skip
def test_a_text_is_taken_apart_into_what_it_states(text, said):
    assert sentences.sentences(text) == said


def test_of_a_long_text_the_first_sentences_count():
    assert len(sentences.sentences("One. " * 1000)) == sentences.MOST_SENTENCES


def test_facts_are_the_title_and_every_value_with_its_name():
    attributes = {"year": 1979, "genres": ["Horror", "Sci-Fi"], "country": "", "director": None}

    assert sentences.facts_of("Alien", attributes) == ["Alien", "genres: Horror", "genres: Sci-Fi", "year: 1979"]
    assert sentences.facts_of("", {}) == []
    assert len(sentences.facts_of("Alien", {"cast": [str(n) for n in range(100)]})) == sentences.MOST_FACTS
