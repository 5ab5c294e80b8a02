"""The word diff: applying it gives both texts back, whatever they are."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reviews.room.diff import MOST_TOKENS, Segment, word_diff

words = st.lists(st.sampled_from(["likes", "films", "war", "not", ",", ".", "\n", "  ", "<b>"]), max_size=40).map(
    " ".join
)
texts = st.text(max_size=80) | words


def joined(segments: list[Segment], *kinds: str) -> str:
    return "".join(segment.text for segment in segments if segment.kind in kinds)


@given(old=texts, new=texts)
def test_applying_the_diff_gives_both_texts_back(old: str, new: str) -> None:
    segments = word_diff(old, new)

    assert joined(segments, "same", "del") == old
    assert joined(segments, "same", "ins") == new


@given(text=texts)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert word_diff(text, text) == ([Segment("same", text)] if text else [])


@given(old=texts, new=texts)
def test_no_segment_is_empty_and_neighbours_differ_in_kind(old: str, new: str) -> None:
    segments = word_diff(old, new)

    assert all(segment.text for segment in segments)
    assert all(a.kind != b.kind for a, b in pairwise(segments))


def test_whole_words_change() -> None:
    assert word_diff("Likes old war films.", "Likes new war films.") == [
        Segment("same", "Likes "),
        Segment("del", "old "),
        Segment("ins", "new "),
        Segment("same", "war films."),
    ]


def test_a_full_stop_is_not_part_of_the_word_before_it() -> None:
    assert word_diff("Likes films.", "Likes films and books.") == [
        Segment("same", "Likes films"),
        Segment("ins", " and books"),
        Segment("same", "."),
    ]


def test_one_word_that_stayed_between_two_changes_does_not_break_them_up() -> None:
    assert word_diff("keep a the b keep it", "keep c the d keep it") == [
        Segment("same", "keep "),
        Segment("del", "a the b "),
        Segment("ins", "c the d "),
        Segment("same", "keep it"),
    ]


def test_a_sentence_that_went_is_shown_as_a_sentence() -> None:
    old = "Likes war films (rated 4). Likes long films (rated 4). Avoids tea."

    assert word_diff(old, "Likes war films (rated 4). Avoids tea.") == [
        Segment("same", "Likes war films (rated 4). "),
        Segment("del", "Likes long films (rated 4). "),
        Segment("same", "Avoids tea."),
    ]


def test_a_long_text_is_compared_by_lines() -> None:
    line = "word " * 40 + "\n"
    old = line * (MOST_TOKENS // 40)

    assert word_diff(old, old + "one more line\n") == [Segment("same", old), Segment("ins", "one more line\n")]


def test_a_text_of_very_many_lines_is_shown_as_replaced() -> None:
    old = "a\n" * MOST_TOKENS

    assert word_diff(old, "b" + old) == [Segment("del", old), Segment("ins", "b" + old)]
