"""Yes and No: added up over their forms, bounded where they are not told, and held against a text's verdict."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.thinkrec.scoring.answers import EVEN, agrees, freed, verdict_of, yes_no

probabilities = st.dictionaries(
    st.sampled_from(["Yes", " yes", "ĠYES", "No", "▁no", "Maybe", "The", "Not", "Yesterday", ""]),
    st.floats(0.001, 0.1),
    max_size=10,
)


def test_forms_of_a_word_are_added_up() -> None:
    both = yes_no({"Yes": math.log(0.3), "ĠYes": math.log(0.2), "YES.": math.log(0.1), " no": math.log(0.25)})
    assert (math.exp(both.yes), math.exp(both.no)) == (pytest.approx(0.6), pytest.approx(0.25))
    assert (both.yes_shown, both.no_shown, both.note) == (True, True, "")


def test_words_that_only_begin_alike_count_for_neither() -> None:
    both = yes_no({"Not": math.log(0.4), "Yesterday": math.log(0.3), "Now": math.log(0.2)})
    assert not both.yes_shown
    assert not both.no_shown


def test_what_is_not_told_is_bounded_by_the_least_likely_token_and_by_what_is_left() -> None:
    by_least = yes_no({"Yes": math.log(0.5), "Maybe": math.log(0.02)})
    assert (math.exp(by_least.no), by_least.no_shown) == (pytest.approx(0.02), False)
    assert "No is not among the likeliest answers, so at most 0.02 likely" in by_least.note
    by_rest = yes_no({"No": math.log(0.99)})
    assert math.exp(by_rest.yes) == pytest.approx(0.01)
    neither = yes_no({"The": math.log(0.9), "A": math.log(0.06)})
    assert neither.note == "The model begins with neither Yes nor No: each is at most 0.04 likely."


@given(probabilities)
def test_a_bound_is_never_above_what_the_word_could_have(told: dict[str, float]) -> None:
    both = yes_no({token: math.log(one) for token, one in told.items()})
    for logprob, shown in ((both.yes, both.yes_shown), (both.no, both.no_shown)):
        assert -9999 <= logprob <= 0
        if not shown:
            assert math.exp(logprob) <= min([*told.values(), 1 - sum(told.values())]) + 1e-9


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Yes", "yes"), ("No.", "no"), ("**No**, it is loud.", "no"), ("yes, they would", "yes"),
        ("It is loud.\nVerdict: No", "no"), ("Loud but short. Verdict: **Yes**.", "yes"),
        ("Yes at first. Still, the conclusion is no.", "no"), ("So my answer would be: “No”", "no"),
        ("They like war films, therefore yes!", "yes"), ("No, because it is slow", "no"), ("No because of X", "no"),
        ("Not really", ""), ("Now then", ""), ("Nobody knows", ""), ("No wonder they liked it", ""), ("No film is", ""),
        ("Yesterday was good", ""), ("They said no to horror before", ""), ("no-one", ""), ("", ""), ("ja", ""),
        ("“Her (2013)” (evaluation: No) with description: Drama", ""),
        ("Verdict: not sure", ""), ("yes or no? Verdict: yes", "yes"),
        ("Answer in two sentences, and end with “Verdict: Yes” or “Verdict: No”.", ""),
        ("Verdict: Yes/No", ""), ("Verdict: Yes or No", ""), ("Yes and no.", ""), ("The verdict: no, or yes?", ""),
        ("End with “Verdict: Yes” or “Verdict: No”. They like it. Verdict: Yes", "yes"), ("判定：Yes", "yes"),
    ],
)  # fmt: skip
def test_a_text_s_verdict_is_a_whole_word_at_its_start_or_end_and_no_entry_of_the_history(
    text: str, verdict: str
) -> None:
    assert verdict_of(text) == verdict


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("<think>Loud. Verdict: No</think>\nQuiet. Verdict: Yes<|im_end|>", "Quiet. Verdict: Yes"),
        ("<think>Loud, and so", ""),
        ("They like it.", "They like it."),
    ],
)
def test_a_model_s_thinking_is_no_part_of_its_reasons(said: str, text: str) -> None:
    assert freed(said) == text


def test_a_verdict_agrees_with_a_chance_on_its_side_and_with_none_near_a_half() -> None:
    near = 0.5 - EVEN / 2
    assert [agrees("yes", chance) for chance in (0.9, 0.1, near, None)] == [True, False, None, None]
    assert [agrees("no", chance) for chance in (0.9, 0.1, near, None)] == [False, True, None, None]
    assert agrees("", 0.9) is None


@given(st.text())
def test_any_text_has_a_verdict_or_none(text: str) -> None:
    assert verdict_of(text) in ("yes", "no", "")
