"""The embedded endpoint's wire, through the official SDK. Its models are demonstrations, not LLMs."""

import asyncio
import json
from typing import Any

import openai
import pytest

from recommender.rounds.core import prompts
from recommender.rounds.core.parsing import parse_rationale, parse_reflection
from tests.builders import make_subject
from worker.endpoint import demonstration, server

ACTOR, REFLECTOR, TEACHER = demonstration.MODELS
SUBJECT = make_subject(5, 4, 5, 2, 1, 5, 3, 4)
RATIONALE = "They clearly avoid drama movies, and they love western movies above everything else."


def reason() -> Any:
    return prompts.render(SUBJECT, "reason").messages


def reflect(*, structured: bool) -> Any:
    return prompts.render(SUBJECT, "reflect", rationale=RATIONALE, structured=structured).messages


def schema(shape: dict[str, Any]) -> Any:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": shape}}


def test_the_models_are_listed_as_demonstrations(client: openai.OpenAI) -> None:
    models = list(client.models.list())
    assert {model.id for model in models} == {ACTOR, REFLECTOR, TEACHER}
    assert {model.owned_by for model in models} == {"r4web-demonstration"}
    assert all("not an LLM" in str((model.model_extra or {})["description"]) for model in models)
    assert client.models.retrieve(ACTOR).id == ACTOR


def test_a_chat_is_answered_with_usage_and_a_request_id(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=ACTOR, messages=reason())
    text = answer.choices[0].message.content or ""
    assert parse_rationale(text, subject_kind="end_user") == text
    assert answer.choices[0].finish_reason == "stop"
    assert answer.system_fingerprint == "r4web-demonstration"
    assert answer._request_id == answer.id
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 100
    assert answer.usage.completion_tokens > 30
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def drafts(client: openai.OpenAI, *sampled: tuple[float, int | openai.Omit]) -> set[str | None]:
    return {
        client.chat.completions.create(model=ACTOR, messages=reason(), temperature=heat, seed=seed)
        .choices[0]
        .message.content
        for heat, seed in sampled
    }


def test_without_a_temperature_or_a_seed_the_same_prompt_gets_the_same_answer(client: openai.OpenAI) -> None:
    assert len(drafts(client, (0.0, 1), (0.0, 2), (1.0, openai.omit))) == 1


def test_sampled_drafts_differ_by_their_seeds_and_by_nothing_else(client: openai.OpenAI) -> None:
    assert len(drafts(client, *((0.8, seed) for seed in range(6)))) > 3
    assert len(drafts(client, (0.8, 1), (1.9, 1))) == 1


def test_a_streamed_answer_is_the_same_text_and_ends_with_the_usage(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model=ACTOR, messages=reason())
    options: Any = {"include_usage": True}
    with client.chat.completions.create(model=ACTOR, messages=reason(), stream=True, stream_options=options) as stream:
        chunks = list(stream)
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert len(pieces) > 5
    assert "".join(pieces) == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage


def test_a_stream_says_nothing_of_usage_unless_asked(client: openai.OpenAI) -> None:
    with client.chat.completions.create(model=ACTOR, messages=reason(), stream=True) as stream:
        assert not any(chunk.usage for chunk in stream)


def test_an_answer_holds_the_json_schema_it_was_asked_for(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model=REFLECTOR, messages=reflect(structured=True), response_format=schema(prompts.REFLECTION_SCHEMA)
    )
    text = answer.choices[0].message.content or ""
    assert set(json.loads(text)) == {"judgement", "reflection"}
    assert parse_reflection(text).verdict == "not_reasonable"


def test_another_schema_is_filled_by_its_own_rules(client: openai.OpenAI) -> None:
    shape = {
        "type": "object",
        "properties": {
            "fine": {"type": "boolean"},
            "judgement": {"enum": ["reasonable", "not_reasonable"]},
            "notes": {"type": "array", "items": {"type": "string", "maxLength": 12}},
            "version": {"const": 2},
        },
        "required": ["fine", "judgement"],
        "additionalProperties": False,
    }
    answer = client.chat.completions.create(
        model=REFLECTOR, messages=reflect(structured=True), response_format=schema(shape)
    )
    value = json.loads(answer.choices[0].message.content or "")
    assert value["fine"] is False
    assert value["judgement"] == "not_reasonable"
    assert [len(note) for note in value["notes"]] == [12]
    assert value["version"] == 2


@pytest.mark.parametrize(
    "shape",
    [{"type": "object", "properties": {"score": {"type": "integer"}}}, {"anyOf": []}, {"enum": ["good", "bad"]}],
)
def test_a_schema_that_cannot_be_held_is_refused(client: openai.OpenAI, shape: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError, match="cannot fill this JSON schema"):
        client.chat.completions.create(
            model=REFLECTOR, messages=reflect(structured=True), response_format=schema(shape)
        )


def test_without_a_schema_the_reflector_answers_in_tags_or_as_a_json_object(client: openai.OpenAI) -> None:
    tags = client.chat.completions.create(model=REFLECTOR, messages=reflect(structured=False))
    loose: Any = {"type": "json_object"}
    as_json = client.chat.completions.create(model=REFLECTOR, messages=reflect(structured=False), response_format=loose)
    first, second = (parse_reflection(answer.choices[0].message.content or "") for answer in (tags, as_json))
    assert first == second
    assert (tags.choices[0].message.content or "").startswith("<Final Judgement>The user preference is not reasonable<")


def test_the_token_limit_cuts_an_answer_off_and_says_so(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=ACTOR, messages=reason(), max_completion_tokens=7)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 7


def test_a_chat_that_is_not_ours_gets_an_honest_answer_that_is_no_rationale(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=ACTOR, messages=[{"role": "user", "content": "Hello!"}])
    assert answer.choices[0].message.content == demonstration.NOT_OURS


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"model": "gpt-99"}, openai.NotFoundError, "model_not_found"),
        ({"messages": []}, openai.BadRequestError, None),
        ({"n": 2}, openai.BadRequestError, None),
        ({"max_tokens": 0}, openai.BadRequestError, None),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, openai.BadRequestError, "unsupported_parameter"),
        ({"response_format": {"type": "yaml"}}, openai.BadRequestError, None),
        ({"extra_headers": {server.FAIL_HEADER: "503"}}, openai.InternalServerError, None),
    ],
)
def test_a_wrong_request_is_refused_in_the_sdks_own_errors(
    client: openai.OpenAI, changes: dict[str, Any], error: type[openai.APIStatusError], code: str | None
) -> None:
    request: dict[str, Any] = {"model": ACTOR, "messages": reason()} | changes
    with pytest.raises(error) as caught:
        client.chat.completions.create(**request)
    assert caught.value.code == code


def test_a_body_that_is_not_json_or_too_large_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="not JSON"):
        client.post("/chat/completions", cast_to=object, content=b"{")
    messages: Any = [{"role": "user", "content": "x" * server.MAX_BODY}]
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=ACTOR, messages=messages)
    assert caught.value.status_code == 413


def test_an_unknown_address_is_an_error_of_the_same_shape(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="/v1/embeddings"):
        client.embeddings.create(model=ACTOR, input="x", encoding_format="float")


def test_429_is_sent_on_request_with_the_time_to_wait(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model=ACTOR, messages=reason(), extra_headers={server.FAIL_HEADER: "429"})
    assert caught.value.response.headers["Retry-After"] == "1"
    assert caught.value.code == "rate_limit_exceeded"


def test_a_rate_limit_refuses_what_comes_above_it() -> None:
    with (
        server.serve(rate_limit=0.01) as url,
        openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client,
    ):
        client.chat.completions.create(model=ACTOR, messages=reason())
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(model=ACTOR, messages=reason())
        assert 90 <= int(caught.value.response.headers["Retry-After"]) <= 100
        assert len(list(client.models.list())) == 3


def test_a_key_is_asked_for_where_one_is_set() -> None:
    with server.serve(api_key="let me in") as url:
        with openai.OpenAI(base_url=url, api_key="wrong", max_retries=0) as stranger:
            with pytest.raises(openai.AuthenticationError) as caught:
                stranger.models.list()
            assert caught.value.code == "invalid_api_key"
        with openai.OpenAI(base_url=url, api_key="let me in", max_retries=0) as friend:
            assert len(list(friend.models.list())) == 3


def test_many_callers_at_once_each_get_their_own_answer(endpoint: str) -> None:
    subjects = [make_subject(*([5, 1, 4, 2, 3] * 2)[shift : shift + 5]) for shift in range(5)] * 8

    async def ask_all() -> list[str]:
        transport = openai.DefaultAioHttpClient()
        async with openai.AsyncOpenAI(
            base_url=endpoint, api_key="none", max_retries=0, http_client=transport
        ) as client:
            messages: list[Any] = [prompts.render(subject, "reason").messages for subject in subjects]
            answers = await asyncio.gather(
                *(client.chat.completions.create(model=ACTOR, messages=each) for each in messages)
            )
        return [answer.choices[0].message.content or "" for answer in answers]

    texts = asyncio.run(ask_all())
    expected = [demonstration.reply(ACTOR, prompts.render(subject, "reason").messages).text for subject in subjects]
    assert texts == expected
