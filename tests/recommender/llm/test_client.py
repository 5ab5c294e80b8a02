"""The client of the two LLM roles, against a real server over the real SDK."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from recommender.llm.client import OpenAiLlm, SchemaRefusedError, storable
from recommender.llm.errors import PermanentLlmError, TransientLlmError
from recommender.llm.types import Answer, Prompt
from tests import openai_server
from tests.openai_server import Reply, ScriptedServer, says
from tests.servers import free_port

PLAIN = Prompt("end_user/reason/v1", "0" * 64, ({"role": "user", "content": "Hello"},), None)
WITH_SCHEMA = Prompt("end_user/reflect/v1", "0" * 64, ({"role": "user", "content": "Judge"},), {"type": "object"})
Serve = Callable[..., ScriptedServer]


@pytest.fixture
def serve(settings: Settings) -> Iterator[Serve]:
    """Serves a fixed reply, or a script; both roles then point at it."""
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


def ask(*prompts: Prompt, role: Any = "actor") -> list[Any]:
    """What each prompt, asked at once, comes to: an answer or an exception."""

    async def run() -> list[Any]:
        async with OpenAiLlm(role) as llm:
            return await asyncio.gather(*(llm.ask(prompt) for prompt in prompts), return_exceptions=True)

    return asyncio.run(run())


def test_an_answer_says_what_it_cost_and_how_it_was_asked_for(serve: Serve) -> None:
    server = serve(says("Hi"), temperature=0.3)
    (answer,) = ask(PLAIN)
    assert isinstance(answer, Answer)
    assert (answer.text, answer.model, answer.prompt_tokens, answer.completion_tokens) == ("Hi", "scripted", 100, 20)
    assert answer.parameters["finish_reason"] == "stop"
    assert answer.parameters["temperature"] == server.requests[0]["temperature"] == 0.3
    assert "response_format" not in server.requests[0]
    assert server.requests[0]["messages"] == list(PLAIN.messages)


def test_no_more_requests_are_under_way_than_the_endpoint_may_have(serve: Serve) -> None:
    under_way, most = [0], [0]

    def script(*_: object) -> Reply:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        barrier.wait(0.02)
        under_way[0] -= 1
        return says("Hi")

    import threading

    barrier = threading.Event()
    serve(script, concurrency=3)
    assert all(isinstance(answer, Answer) for answer in ask(*[PLAIN] * 12))
    assert most[0] <= 3


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (openai_server.error(401, "bad key"), PermanentLlmError, "R4_ACTOR_API_KEY"),
        (openai_server.error(404, "no model actor"), PermanentLlmError, "R4_ACTOR_MODEL"),
        (openai_server.error(400, "context length exceeded"), PermanentLlmError, "context length exceeded"),
        (openai_server.error(500, "out of memory"), TransientLlmError, "out of memory"),
        (openai_server.error(503, "loading"), TransientLlmError, "loading"),
        (Reply(200, "<html>Sign in</html>", content_type="text/html"), TransientLlmError, "R4_ACTOR_BASE_URL"),
        (Reply(200, "{broken"), TransientLlmError, "cut off or broken JSON"),
        (Reply(200, {"choices": []}), TransientLlmError, "it has no choice"),
        (Reply(200, []), TransientLlmError, "not a chat completion"),
        (Reply(200, {"error": {"message": "bad key", "code": 401}}), PermanentLlmError, "R4_ACTOR_API_KEY"),
        (Reply(200, {"error": {"message": "no credits", "code": "402"}}), PermanentLlmError, "money or quota"),
        (Reply(200, {"error": {"message": "upstream", "code": 502}}), TransientLlmError, "502: upstream"),
        (Reply(200, "[" * 100_000), TransientLlmError, "nested too deep"),
    ],
)
def test_an_error_says_what_to_do(serve: Serve, reply: Reply, error: type[Exception], words: str) -> None:
    serve(reply)
    (raised,) = ask(PLAIN)
    assert type(raised) is error, raised
    assert words in str(raised)


@pytest.mark.parametrize(
    ("header", "least", "most"), [("7", 7, 7), ("0.5", 0.5, 0.5), ("date", 20, 31), ("soon", 0, 0)]
)
def test_a_busy_endpoint_says_how_long_to_wait(serve: Serve, header: str, least: float, most: float) -> None:
    value = format_datetime(timezone.now() + timedelta(seconds=30), usegmt=True) if header == "date" else header
    serve(openai_server.error(429, "slow down", Retry_After=value))
    (raised,) = ask(PLAIN)
    assert isinstance(raised, TransientLlmError)
    assert least <= (raised.retry_after or 0) <= most


def test_nobody_listening_is_transient_and_names_the_setting(serve: Serve, settings: Settings) -> None:
    serve(says("Hi"))
    settings.LLM["actor"]["base_url"] = f"http://127.0.0.1:{free_port()}/v1"
    (raised,) = ask(PLAIN)
    assert isinstance(raised, TransientLlmError)
    assert "R4_ACTOR_BASE_URL" in str(raised)


def test_an_address_without_a_scheme_is_permanent(serve: Serve, settings: Settings) -> None:
    serve(says("Hi"))
    settings.LLM["actor"]["base_url"] = "localhost:8000/v1"
    (raised,) = ask(PLAIN)
    assert isinstance(raised, PermanentLlmError)


def test_an_endpoint_that_hangs_is_given_up_after_the_timeout(serve: Serve) -> None:
    serve(Reply(hang=True), timeout=0.2)
    (raised,) = ask(PLAIN)
    assert isinstance(raised, TransientLlmError)
    assert "R4_ACTOR_TIMEOUT" in str(raised)


def test_a_schema_goes_with_the_request_where_structured_output_is_on(serve: Serve) -> None:
    server = serve(says("{}"), structured="json_schema")
    ask(WITH_SCHEMA, role="reflector")
    assert server.requests[0]["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_an_endpoint_that_refuses_schemas_is_asked_for_one_only_once(serve: Serve) -> None:
    server = serve(openai_server.error(400, "response_format json_schema is not supported"), structured="auto")
    raised = ask(WITH_SCHEMA, WITH_SCHEMA, WITH_SCHEMA, role="reflector")
    assert [type(error) for error in raised] == [SchemaRefusedError] * 3
    assert sorted(error.asked for error in raised) == [False, False, True]
    assert len(server.requests) == 1
    assert OpenAiLlm("reflector").structured is False  # and the next chunk knows


def test_a_text_that_databases_refuse_is_made_storable() -> None:
    assert storable("a\x00b\ud800c", 10) == "a\ufffdb?c"


@pytest.mark.parametrize(
    ("model", "listed", "sent"),
    [
        ("films-actor-1", [{"id": 4, "path": "/a/films-actor-1.gguf"}], [{"id": 4, "scale": 1.0}]),
        ("films-actor-1", None, None),  # vLLM knows the name
        ("other", [{"id": 4, "path": "/a/other.gguf"}], None),
    ],
)
def test_an_adapter_is_chosen_by_its_name_where_the_server_lists_adapters(
    serve: Serve, model: str, listed: Any, sent: Any
) -> None:
    server = serve(says("Fine."), model=model)
    server.adapters = listed
    (answer,), (request,) = ask(PLAIN), server.requests
    assert answer.text == "Fine."
    assert (request["model"], request.get("lora")) == (model, sent)


def test_an_adapter_that_the_server_was_not_started_with_is_said(serve: Serve) -> None:
    server = serve(says("Fine."), model="films-actor-2")
    server.adapters = [{"id": 0, "path": "/a/films-actor-1.gguf"}]
    (error,) = ask(PLAIN)
    assert isinstance(error, PermanentLlmError)
    assert "does not serve R4_ACTOR_MODEL: no adapter 'films-actor-2' is there: it holds films-actor-1." in str(error)
    assert server.requests == []
