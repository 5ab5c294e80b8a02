"""What a model reasoned, as a list keeps it."""

from dataclasses import asdict

import numpy as np

from recommender.thinkrec.scoring.lists import ScoredItem, scored_items
from recommender.thinkrec.scoring.scored import Scored


def test_bytes_that_no_database_stores_are_left_out_of_reasons() -> None:
    said = ("\0They like\x16 it.\n👩\u200d🚀 Verdict: Yes\ud800", "\0\x00")
    scores = np.array([1.0, 1.0])
    first, second = scored_items(["a", "b"], Scored(scores, scores, texts=said), np.array([0.9, 0.1]))
    assert (first.text, first.verdict, first.agrees) == ("They like it.\n👩\u200d🚀 Verdict: Yes", "yes", True)
    assert (second.text, second.agrees) == ("", None)


def test_reasons_are_held_against_the_chance_that_is_shown_not_against_log_odds() -> None:
    """A model that says Yes of everything has log-odds above 0 where few like the item."""
    said = ("Quiet. Verdict: Yes", "Quiet. Verdict: No")
    scores = np.array([3.0, 3.0])
    made = scored_items(["a", "b"], Scored(scores, scores, texts=said), np.array([0.2, 0.2]))
    assert [one.agrees for one in made] == [False, True]
    stored = [asdict(one) | {"agrees": True} for one in made]  # as lists had it once, by log-odds
    assert [ScoredItem.from_json(one) for one in stored] == made


def test_reasons_that_ran_out_of_tokens_are_marked() -> None:
    scores = np.array([1.0, 2.0])
    scored = Scored(scores, scores, texts=("They like it. And", "All."), cut=frozenset({0}))
    made = scored_items(["a", "b"], scored, np.array([0.6, 0.7]))
    assert [(one.item_id, one.cut_off) for one in made] == [("b", False), ("a", True)]
