"""Scores through an endpoint that tells logprobs, and what is said of those that do not."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings

from recommender.runs.errors import CannotRunError
from recommender.thinkrec.prompts import Described, Past, Person, asked
from recommender.thinkrec.scoring.endpoint import EndpointScorer
from tests import openai_server
from tests.openai_server import Reply, ScriptedServer, error, says

PROMPTS = asked(Person("movie", (Past(Described("Heat"), liked=True),)), [Described(f"Film {n}") for n in range(4)])
Serve = Callable[..., ScriptedServer]


@pytest.fixture
def serve(settings: Settings) -> Iterator[Serve]:
    running = []

    def start(script: Reply | Callable[[dict[str, Any], int], Reply], **endpoint: Any) -> ScriptedServer:
        server = openai_server.running((lambda *_: script) if isinstance(script, Reply) else script)
        running.append(server)
        scripted = server.__enter__()
        settings.LLM = scripted.endpoints(**endpoint)
        return scripted

    yield start
    for server in running:
        server.__exit__(None, None, None)


def tells(*told: tuple[str, float], cached: int = 0) -> Reply:
    """A completion of one token with its alternatives, as chat completions tell them."""
    reply = says(told[0][0])
    alternatives = [{"token": token, "logprob": math.log(one), "bytes": None} for token, one in told]
    reply.body["choices"][0]["logprobs"] = {"content": [alternatives[0] | {"top_logprobs": alternatives}]}
    reply.body["usage"]["prompt_tokens_details"] = {"cached_tokens": cached}
    return reply


def test_each_candidate_is_asked_for_one_token_and_its_alternatives(serve: Serve) -> None:
    server = serve(tells(("Yes", 0.6), (" yes", 0.1), ("No", 0.2), ("Maybe", 0.05), cached=90))
    scored = EndpointScorer().score(PROMPTS)
    np.testing.assert_allclose(scored.log_odds, math.log(0.7 / 0.2))
    np.testing.assert_allclose(scored.yes, math.log(0.7))
    assert (scored.notes, scored.cost.read, scored.cost.row_by_row) == ({}, 4 * 10, 4 * 100)
    for request in server.requests:
        assert (request["max_tokens"], request["logprobs"], request["top_logprobs"]) == (1, True, 20)


def test_the_first_candidate_goes_ahead_so_that_the_server_can_keep_what_all_share(serve: Serve) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if number == 1:
            time.sleep(0.2)
            assert len(server.requests) == 1
        return tells(("Yes", 0.9), ("No", 0.05))

    server = serve(script)
    assert not np.isnan(EndpointScorer().score(PROMPTS).yes).any()
    beginnings = {request["messages"][-1]["content"].partition('"Film')[0] for request in server.requests}
    assert len(beginnings) == 1


def test_a_candidate_is_scored_by_what_its_own_answer_says(serve: Serve) -> None:
    def script(request: dict[str, Any], _: int) -> Reply:
        place = int(request["messages"][-1]["content"][-2])
        return tells(("Yes", 0.1 + place / 10), ("No", 0.3))

    serve(script)
    expected = [math.log((0.1 + place / 10) / 0.3) for place in range(4)]
    np.testing.assert_allclose(EndpointScorer().score(PROMPTS).log_odds, expected)


def test_older_completions_logprobs_are_read_too(serve: Serve) -> None:
    reply = says("Yes")
    reply.body["choices"][0]["logprobs"] = {"tokens": ["Yes"], "top_logprobs": [{"Yes": -0.1, "No": -3.0}]}
    serve(reply)
    np.testing.assert_allclose(EndpointScorer().score(PROMPTS[:1]).log_odds, [2.9])


def test_a_word_that_is_not_told_is_scored_at_its_bound_and_neither_of_both_is_no_score(serve: Serve) -> None:
    serve(tells(("Yes", 0.9), ("Perhaps", 0.01)))
    scored = EndpointScorer().score(PROMPTS[:1])
    np.testing.assert_allclose(scored.log_odds, math.log(0.9 / 0.01))
    assert "at most 0.01 likely" in scored.notes[0]
    serve(tells(("The", 0.9), ("A", 0.05)))
    scored = EndpointScorer().score(PROMPTS[:1])
    assert np.isnan(scored.log_odds).all()
    assert "neither Yes nor No" in scored.notes[0]


@pytest.mark.parametrize(
    "reply",
    [says("Yes"), error(400, "logprobs is not supported with this model"), error(422, "top_logprobs: extra inputs")],
)
def test_an_endpoint_without_logprobs_is_named_with_its_settings(serve: Serve, reply: Reply) -> None:
    serve(reply)
    with pytest.raises(CannotRunError, match=r"does not say how likely .* R4_SCORER_BASE_URL and R4_SCORER_MODEL"):
        EndpointScorer().score(PROMPTS)


@pytest.mark.parametrize(
    "logprobs",
    [None, [], {}, {"content": None}, {"content": [None]}, {"content": [{"token": 3, "logprob": "x"}]}, "x", 3,
     {"content": [{"top_logprobs": [{"token": "Yes", "logprob": None}, {"token": "No", "logprob": True}]}]}],
)  # fmt: skip
def test_odd_logprobs_are_none(serve: Serve, logprobs: Any) -> None:
    reply = says("Yes")
    reply.body["choices"][0]["logprobs"] = logprobs
    serve(reply)
    with pytest.raises(CannotRunError, match="logprobs"):
        EndpointScorer().score(PROMPTS[:1])


def test_a_parameter_that_is_refused_is_left_out_and_a_busy_endpoint_asked_again(serve: Serve) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if "temperature" in request:
            return error(400, "Unsupported parameter: temperature")
        return error(503, "busy", retry_after="0") if number == 2 else tells(("Yes", 0.9), ("No", 0.05))

    serve(script)
    assert not np.isnan(EndpointScorer().score(PROMPTS).yes).any()


def test_what_does_not_come_in_time_has_no_score(serve: Serve) -> None:
    serve(lambda _, number: tells(("Yes", 0.9), ("No", 0.05)) if number < 3 else Reply(hang=True))
    began = time.monotonic()
    scored = EndpointScorer().score(PROMPTS, seconds=1.0)
    assert time.monotonic() - began < 5
    assert (~np.isnan(scored.yes)).sum() == 2


def test_a_model_reasons_before_it_is_asked_for_yes_or_no(serve: Serve) -> None:
    def script(request: dict[str, Any], _: int) -> Reply:
        return tells(("No", 0.8), ("Yes", 0.1)) if request.get("logprobs") else says("It is loud. Verdict: Yes")

    server = serve(script)
    prompts = asked(Person("movie", ()), [Described("Heat")], question="reason")
    scored = EndpointScorer().score(prompts, reasoning=50)
    assert (scored.texts, scored.cut) == (("It is loud. Verdict: Yes",), frozenset())
    assert scored.log_odds[0] < 0
    assert [message["role"] for message in server.requests[1]["messages"]] == ["system", "user", "assistant", "user"]


def test_reasons_that_the_endpoint_cut_off_are_told(serve: Serve) -> None:
    def script(request: dict[str, Any], _: int) -> Reply:
        if request.get("logprobs"):
            return tells(("Yes", 0.8), ("No", 0.1))
        long = '"Film 1"' in request["messages"][1]["content"]
        return says("It is loud, and", finish_reason="length") if long else says("It is loud.")

    serve(script)
    prompts = asked(Person("movie", ()), [Described(f"Film {number}") for number in range(3)], question="reason")
    scored = EndpointScorer().score(prompts, reasoning=50)
    assert scored.cut == frozenset({1})


def by_model(request: dict[str, Any], _: int) -> Reply:
    """Of two experts the second says neither word of the last candidate, and less of all others."""
    if not request.get("logprobs"):
        return says(f"By {request['model']}.")
    if request["model"] == "two":
        silent = '"Film 3"' in request["messages"][1]["content"]
        return tells(("Maybe", 0.9)) if silent else tells(("Yes", 0.2), ("No", 0.4))
    return tells(("Yes", 0.6), ("No", 0.2))


def test_the_answers_of_several_experts_are_mixed_by_their_scales_where_all_give_one(serve: Serve) -> None:
    server = serve(by_model)
    scored = EndpointScorer(["all", "one", "two"], name="tuned").score(PROMPTS, scales=(0.0, 0.75, 0.25))
    expected = math.log((0.75 * 0.6 + 0.25 * 0.2) / (0.75 * 0.2 + 0.25 * 0.4))
    np.testing.assert_allclose(scored.log_odds, [expected] * 3 + [math.nan])
    np.testing.assert_allclose(scored.yes[:3], math.log(0.5))
    assert (scored.mixed, list(scored.notes)) == (True, [3])
    assert {request["model"] for request in server.requests} == {"one", "two"}
    assert scored.cost.row_by_row == 8 * 100


def test_the_expert_that_weighs_most_reasons_and_all_answer_after_its_text(serve: Serve) -> None:
    server = serve(by_model)
    prompts = asked(Person("movie", ()), [Described("Heat")], question="reason")
    scored = EndpointScorer(["all", "one", "two"], name="tuned").score(prompts, reasoning=9, scales=(0.0, 0.25, 0.75))
    assert scored.texts == ("By two.",)
    answers = [request["messages"] for request in server.requests if request.get("logprobs")]
    assert [messages[2]["content"] for messages in answers] == ["By two."] * 2
    assert len(server.requests) == 3


def test_where_one_expert_acts_its_answer_is_the_score_and_nothing_is_mixed(serve: Serve) -> None:
    serve(by_model)
    scored = EndpointScorer(["all", "one", "two"], name="tuned").score(PROMPTS, scales=(0.0, 1.0, 0.0))
    np.testing.assert_allclose(scored.log_odds, math.log(3))
    assert not scored.mixed


def test_a_server_that_cannot_be_reached_is_said_before_any_expert_is_asked(serve: Serve, settings: Settings) -> None:
    serve(by_model)
    settings.LLM["scorer"] |= {"base_url": "http://127.0.0.1:9/v1"}
    with pytest.raises(CannotRunError, match="cannot be reached"):
        EndpointScorer(["all", "one"]).score(PROMPTS, scales=(0.0, 1.0))
