"""The pairs of tests/data/statements/planted_more: their form, and that most errors and no honest twin are found."""

import pytest

from benchmarks.planted_errors import KINDS
from benchmarks.planted_texts import PARTS, Search, interval, pairs, people
from recommender.grounding.tagger.tags import tagger

LEAST_FOUND = 52  # of 71, every fourth pair; 53 today, and none falsely


def test_every_text_has_one_marked_error_and_an_honest_twin() -> None:
    known = people()
    every = list(pairs())
    assert len(every) == 284
    for pair in every:
        assert pair.kind in KINDS
        assert pair.person in known
        assert 0 <= pair.start < pair.end <= len(pair.wrong)
        assert pair.wrong != pair.honest
        assert not set("[]") & set(pair.honest + pair.wrong)
    for part, kinds in (
        ("first", [24, 32, 8, 8]),
        ("look", [24, 20, 10, 12]),
        ("second", [12, 11, 4, 6]),
        ("judge", [12, 9, 6, 6]),
        ("third", [17, 11, 7, 5]),
        ("unread", [16, 12, 7, 5]),
    ):
        ours = [pair.kind for pair in every if pair.style in PARTS[part]]
        assert [ours.count(kind) for kind in ("count", "polarity", "title", "recent")] == kinds


@pytest.mark.skipif(tagger() is None, reason="The encoder is not installed.")
def test_most_errors_are_found_and_no_honest_text_is_called_wrong() -> None:
    search = Search(tagger())
    tallies = [search.of(pair) for pair in [*pairs()][::4]]
    assert sum(tally.falsely for tally in tallies) == 0
    assert sum(tally.found for tally in tallies) >= LEAST_FOUND


@pytest.mark.parametrize(("found", "of"), [(7, 10), (1, 6), (0, 72), (30, 30)])
def test_at_the_ends_of_an_interval_the_share_is_just_improbable(found: int, of: int) -> None:
    for end in interval(found, of):
        assert (found / of - end) ** 2 == pytest.approx(1.96**2 * end * (1 - end) / of)
