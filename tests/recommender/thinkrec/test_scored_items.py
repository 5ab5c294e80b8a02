"""What a model reasoned, as a list keeps it."""

import numpy as np

from recommender.thinkrec.scoring.lists import scored_items
from recommender.thinkrec.scoring.scored import Scored


def test_bytes_that_no_database_stores_are_left_out_of_reasons() -> None:
    said = ("\0They like\x16 it.\n👩\u200d🚀 Verdict: Yes\ud800", "\0\x00")
    scores = np.array([1.0, 1.0])
    first, second = scored_items(["a", "b"], Scored(scores, scores, texts=said), np.array([0.9, 0.1]))
    assert (first.text, first.verdict, first.agrees) == ("They like it.\n👩\u200d🚀 Verdict: Yes", "yes", True)
    assert (second.text, second.agrees) == ("", None)
