"""Topics in other words: one line a topic, nothing in two of them."""

from collections import Counter

import pytest

from recommender.grounding import tables
from recommender.grounding.terms import stems_of
from recommender.grounding.topics import other_words


@pytest.mark.parametrize(
    ("phrase", "meant"),
    [
        (["heists"], "robbery"),
        (["nonnen"], "convent"),
        (["viajes", "tiempo"], "time machine"),
        (["penguins"], "pingüino"),
    ],
)
def test_a_topic_is_known_by_each_of_its_names(phrase: list[str], meant: str) -> None:
    assert meant in other_words(phrase)
    assert phrase[0] not in other_words(phrase)


def test_what_is_more_or_less_than_a_topic_is_none() -> None:
    assert other_words(["space", "heists"]) == other_words(["time"]) == other_words([]) == ()


def test_no_name_is_of_two_topics_and_none_is_too_short_to_be_looked_for() -> None:
    lines = [{frozenset(stems_of(name)) for name in line.split(",")} for line in tables.lines("topics")]
    assert all(stems for line in lines for stems in line)
    assert [sorted(stems) for stems, count in Counter(s for line in lines for s in line).items() if count > 1] == []
