"""Bodies as servers write them."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.llm import reading
from recommender.llm.reading import MOST_TOKENS, Completion, UnreadableError


def body(message: object = None, *, choice: object = None, **top: object) -> bytes:
    chosen = {"index": 0, "message": message, "finish_reason": "stop"} if choice is None else choice
    return json.dumps({"id": "c1", "model": "m", "choices": [chosen]} | top).encode()


@pytest.mark.parametrize(
    ("message", "text", "finish_reason"),
    [
        ({"content": "Hi"}, "Hi", "stop"),
        ({"content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": " you"}]}, "Hi you", "stop"),
        ({"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hi"}]}, "Hi", "stop"),
        ({"content": {"text": "Hi"}}, "Hi", "stop"),
        ({"content": {"judgement": "reasonable"}}, '{"judgement": "reasonable"}', "stop"),
        ({"content": 42}, "42", "stop"),
        ({"content": None, "reasoning_content": "Hi"}, "Hi", "stop"),
        ({"content": "", "reasoning": "Hi"}, "Hi", "stop"),
        ({"content": "Hi", "reasoning_content": "Hm."}, "Hi", "stop"),
        ({"content": None, "refusal": "No."}, "No.", "refusal"),
        ({"content": None, "tool_calls": [{"id": "t"}]}, '[{"id": "t"}]', "tool_calls"),
        ("Hi", "Hi", "stop"),
        (None, "", "stop"),
        ([], "", "stop"),
    ],
)
def test_the_text_is_found_where_it_is(message: object, text: str, finish_reason: str) -> None:
    found = reading.completion(body(message))
    assert (found.text, found.finish_reason) == (text, finish_reason)


@pytest.mark.parametrize(
    ("given", "count"),
    [(7, 7), (-1, 0), (None, 0), ("many", 0), (True, 0), (7.0, 7), (1e300, MOST_TOKENS), ([], 0), (2**70, MOST_TOKENS)],
)
def test_figures_are_clean(given: object, count: int) -> None:
    found = reading.completion(body({"content": "Hi"}, usage={"prompt_tokens": given, "completion_tokens": given}))
    assert (found.prompt_tokens, found.completion_tokens) == (count, count)


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 80}}, 80),
        ({"prompt_tokens_details": {"cached_tokens": 500}}, 100),  # no more than there are
        ({"prompt_tokens_details": {"cached_tokens": -3}}, 0),
        ({"prompt_tokens_details": {"cached_tokens": "80"}}, 0),
        ({"prompt_tokens_details": {"cached_tokens": float("nan")}}, 0),
        ({"prompt_tokens_details": {}}, 0),
        ({"prompt_tokens_details": None}, 0),
        ({"prompt_tokens_details": [80]}, 0),
        ({"prompt_cache_hit_tokens": 60}, 60),  # as DeepSeek says it
        ({}, 0),
    ],
)
def test_what_was_read_before_is_part_of_what_was_read(usage: dict[str, object], cached: int) -> None:
    found = reading.completion(body({"content": "Hi"}, usage={"prompt_tokens": 100} | usage))
    assert (found.prompt_tokens, found.cached_tokens) == (100, cached)


@pytest.mark.parametrize("usage", [None, [], "none", 3])
def test_no_usage_is_none(usage: object) -> None:
    assert reading.completion(body({"content": "Hi"}, usage=usage, id=12, model=None)) == Completion(
        "Hi", "stop", model="", id="12"
    )


def test_a_streamed_answer_is_put_together() -> None:
    chunks = [
        {"id": "c1", "choices": [{"delta": {"role": "assistant"}}]},
        {"choices": [{"delta": {"content": "Hi"}}]},
        {"choices": [{"delta": {"content": " you"}, "finish_reason": "length"}]},
        {"choices": [], "usage": {"prompt_tokens": 3}},
    ]
    text = ": ping\n\n" + "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    found = reading.completion(text.encode())
    assert (found.text, found.finish_reason, found.prompt_tokens) == ("Hi you", "length", 3)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"error": {"message": "No  money"}}, "No money"),
        ([{"error": {"code": 400, "message": "Unknown name"}}], "Unknown name"),
        ({"detail": [{"loc": ["body", "top_p"], "msg": "Extra inputs"}]}, "body.top_p: Extra inputs"),
        (
            {"error": {"message": "Provider returned error", "metadata": {"raw": "Slow"}}},
            "Provider returned error: Slow",
        ),
        ({"object": "error", "message": "No"}, "No"),
        ("<html>Busy</html>", "<html>Busy</html>"),
        ({"a": 1}, ""),
        (None, ""),
    ],
)
def test_an_error_is_said_in_the_endpoints_words(value: object, words: str) -> None:
    assert reading.said(value) == words


KEYS = st.sampled_from(["choices", "message", "content", "error", "text", "usage", "code"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
)


@given(ANYTHING)
def test_any_json_is_read_or_refused(value: object) -> None:
    with suppress(UnreadableError):
        assert isinstance(reading.completion(json.dumps(value).encode()).text, str)
