import pytest

from recommender.grounding import sentences


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Loves westerns. Why?  Nobody knows", ["Loves westerns.", "Why?", "Nobody knows"]),
        ("- war\n* 3 of 4 liked; none done\n\n2) no horror", ["war", "3 of 4 liked;", "none done", "no horror"]),
        ("喜欢西部片。不喜欢恐怖片。", ["喜欢西部片。", "不喜欢恐怖片。"]),
        ("Rated 4.5 on average (e.g. Alien).", ["Rated 4.5 on average (e.g. Alien)."]),
        ("J.R.R. Tolkien, Vol. 3, i.e. No. 5. Mr. Smith.", ["J.R.R. Tolkien, Vol. 3, i.e. No. 5.", "Mr. Smith."]),
        ("U.S. films only. They left the U.S. They say no. Yes.",
         ["U.S. films only.", "They left the U.S.", "They say no.", "Yes."]),
        ('A "story of all."They love it. Loved "Help!" and Heat.',
         ['A "story of all."', "They love it.", 'Loved "Help!" and Heat.']),
        ("1. **Crime:** yes. Two.\n2. **War:** no\n## Head\nthey love it... but not much",
         ["**Crime:** yes.", "Two.", "**War:** no", "Head", "they love it... but not much"]),
        ("Mag Krimis, z. B. Tatort. „Gut.“ Sagt er. ¿Le gusta? ¡Sí! No.",
         ["Mag Krimis, z. B. Tatort.", "„Gut.“", "Sagt er.", "¿Le gusta?", "¡Sí!", "No."]),
        (" …\n--\n", []),
    ],
)  # fmt: skip
def test_a_text_is_taken_apart_into_what_it_states(text, said):
    assert sentences.sentences(text) == said


def test_a_sentence_has_its_place():
    text = "  - Loves war. \n1) Why?"

    assert [text[start:end] for start, end in sentences.spans(text)] == ["Loves war.", "Why?"]


def test_of_a_long_text_the_first_sentences_count():
    assert len(sentences.sentences("One. " * 1000)) == sentences.MOST_SENTENCES
