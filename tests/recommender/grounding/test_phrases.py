import pytest

from recommender.grounding.lexicon import Lexicon
from recommender.grounding.reader import read

LEXICON = Lexicon.of([("f1", "Heat (1995)", {"genres": ["Crime"]})])


@pytest.mark.parametrize("text", ['It will appeal to people who enjoy "', 'They love crime films and enjoy "'])
def test_a_text_that_ends_at_an_opening_quote_is_read(text: str) -> None:
    assert all(one.aspect[0].value == "Crime" for one in read(text, LEXICON, about="end_user"))
