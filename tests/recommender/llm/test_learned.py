"""What a refusal teaches."""

import pytest

from recommender.llm.learned import Learned

WANTED = {"temperature": 0.0, "top_p": 0.9, "max_tokens": 100, "seed": 1}
SYSTEM = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]


UNSUPPORTED = "Unsupported parameter: '{}' is not supported with this model."


@pytest.mark.parametrize(
    ("said", "parameter", "left"),
    [
        (UNSUPPORTED.format("temperature"), "temperature", {"top_p", "max_tokens", "seed"}),
        ("'temperature' does not support 0.0. Only the default (1) is supported.", "", {"top_p", "max_tokens", "seed"}),
        ("`temperature` and `top_p` cannot both be specified.", "", {"temperature", "max_tokens", "seed"}),
        (
            f"{UNSUPPORTED.format('max_tokens')} Use 'max_completion_tokens' instead.",
            "max_tokens",
            {"temperature", "top_p", "seed", "max_completion_tokens"},
        ),
        ("body.seed: Extra inputs are not permitted", "", {"temperature", "top_p", "max_tokens"}),
        ("Invalid model name", "model", None),
        ("This model's maximum context length is 2048 tokens; reduce max_tokens.", "max_tokens", None),
    ],
)
def test_what_is_refused_is_left_out(said: str, parameter: str, left: set[str] | None) -> None:
    learned = Learned()
    sent = learned.parameters(WANTED)
    assert bool(learned.refuses(said, parameter, sent=sent, with_system=True)) == (left is not None)
    assert set(learned.parameters(WANTED)) == (left or set(WANTED))


def test_a_model_that_refuses_everything_is_asked_with_nothing() -> None:
    learned = Learned()
    for _ in range(9):
        sent = learned.parameters(WANTED)
        said = "max_completion_tokens, max_tokens, temperature, top_p and seed are all unsupported here"
        if not learned.refuses(said, "", sent=sent, with_system=False):
            break
    assert learned.parameters(WANTED) == {}


@pytest.mark.parametrize(
    "said",
    [
        "System role not supported",
        "Conversation roles must alternate user/assistant/user/assistant/...",
        "Only user and assistant roles are supported!",
        "This model does not support system messages.",
        "Developer instruction is not enabled; system prompt is not supported",
    ],
)
def test_without_a_system_role_the_instructions_go_first(said: str) -> None:
    learned = Learned()
    assert learned.messages(SYSTEM) == SYSTEM
    assert learned.refuses(said, "", sent={}, with_system=True)
    assert learned.messages(SYSTEM) == [{"role": "user", "content": "Be brief.\n\nHello"}]
    assert not learned.refuses(said, "", sent={}, with_system=False)
    assert SYSTEM[0]["role"] == "system"


def test_what_is_empty_is_not_sent() -> None:
    assert Learned().parameters({"temperature": None, "max_tokens": 5}) == {"max_tokens": 5}
