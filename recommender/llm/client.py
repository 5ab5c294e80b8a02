"""The LLM roles over the OpenAI chat-completions protocol. Nothing else imports openai but its transport.

The SDK's own retries are off: every call that was made is stored, and waiting is the round's business. What an
endpoint sends is bounded (`transport`), read leniently (`reading`), and teaches what it takes (`learned`).
"""

import asyncio
import re
import time
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx2
import openai
from django.conf import settings
from django.utils import timezone
from openai import AsyncOpenAI

from recommender.llm import adapters, learned, reading
from recommender.llm.errors import PermanentLlmError, TransientLlmError
from recommender.llm.reading import UnreadableError
from recommender.llm.secrets import redacted, without_userinfo
from recommender.llm.transport import TooLargeError, bounded_client
from recommender.llm.types import Answer, Prompt, Role, Sampling

CONNECT_SECONDS = 5.0
MOST_ANSWER = 200_000  # characters of an answer that are kept
MOST_ERROR = 500  # characters of an endpoint's own error message that are kept
REFUSES_SCHEMA = (400, 404, 415, 422, 500, 501)  # what servers answer that cannot hold a JSON schema
REFUSES_PARAMETERS = (400, 422)
WORTH_WAITING = (408, 409, 425, 429)
_LOADING = re.compile(r"\b(?:is |still )?loading\b|not (?:yet )?loaded|warming up|starting up|try again", re.IGNORECASE)
_LOGPROBS = re.compile(r"log_?probs?|log.?probabilit", re.IGNORECASE)
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")  # in the name of a schema
_RATE = re.compile(r"rate.?limit|too many requests|quota exceeded for .*per", re.IGNORECASE)
_SPENT = re.compile(r"insufficient.?(?:quota|balance|credit|funds)|exceeded your current quota", re.IGNORECASE)
_TIMES = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class RefusedError(TransientLlmError):
    """The endpoint cannot do what was asked; from now on its role asks without. `asked`: it cost a call."""

    def __init__(self, message: str, *, asked: bool = True) -> None:
        super().__init__(message)
        self.asked = asked


class SchemaRefusedError(RefusedError):
    """The endpoint cannot hold a JSON schema."""


class ParameterRefusedError(RefusedError):
    """The endpoint does not take a parameter or the system role."""


class OpenAiLlm:
    """One role's endpoint: an async context manager, for one event loop.

    At most `concurrency` requests are under way at once.
    """

    def __init__(self, role: Role, *, model: str = "", beside: Mapping[str, Any] | None = None) -> None:
        """`model`: in place of the role's own. `beside`: what is sent beside the protocol; None: what names the model
        to a llama.cpp server where it is an adapter of ours."""
        configured: dict[str, Any] = settings.LLM[role]
        self.role = role
        self._beside = beside
        self._address: str = configured["base_url"]
        self.base_url = without_userinfo(self._address)  # as it may be shown and stored
        self.model: str = model or configured["model"]
        self._wanted: dict[str, Any] = {name: configured[name] for name in ("temperature", "top_p", "max_tokens")}
        if self._wanted["top_p"] == 1:  # that is what everybody does without being told
            self._wanted["top_p"] = None
        self._learned = learned.about(self.base_url, self.model)
        self._timeout: float = configured["timeout"]
        self._mode: str = configured["structured"]
        self.concurrency: int = configured["concurrency"]
        self._slots = asyncio.Semaphore(self.concurrency)
        # An endpoint that may refuse schemas is asked once before it is asked many times.
        self._first: asyncio.Event | None = None
        self._client = AsyncOpenAI(
            base_url=self._address,
            api_key=configured["api_key"],
            max_retries=0,
            timeout=openai.Timeout(self._timeout, connect=CONNECT_SECONDS),
            http_client=bounded_client(),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    @property
    def structured(self) -> bool:
        """Whether a JSON schema is asked for. `auto`: until the endpoint has refused one."""
        if self._mode == "auto":
            return self._learned.holds_schema is not False
        return self._mode == "json_schema"

    def parameters(self, sampling: Sampling | None = None) -> dict[str, Any]:
        """What is sent beside the messages."""
        drawn = {} if sampling is None else {"temperature": sampling.temperature, "seed": sampling.seed}
        return self._learned.parameters(self._wanted | drawn)

    async def first_tokens(self, prompt: Prompt, *, most: int) -> Answer:
        """Ask once for the first token of an answer and the `most` likeliest in its place: `Answer.first_tokens`.

        Raises as `ask` does, and PermanentLlmError where the endpoint does not tell them.
        """
        answer = await self._ask(prompt, None, tokens=most)
        if not answer.first_tokens:
            raise self._no_logprobs("it answered without them")
        return answer

    async def ask(self, prompt: Prompt, *, sampling: Sampling | None = None) -> Answer:
        """Ask once. `Answer.parameters` also holds the finish reason, and the seed where one was sent.

        Raises TransientLlmError or PermanentLlmError, whose messages say which setting to look at; and RefusedError,
        after which the same is to be asked anew: `structured` may be False by then.
        """
        if prompt.json_schema is None:
            return await self._ask(prompt, sampling)
        if self._mode == "auto" and self._learned.holds_schema is None:
            if self._first is None:
                self._first = asyncio.Event()
                try:
                    return await self._ask(prompt, sampling)
                finally:
                    self._first.set()
            await self._first.wait()
        if not self.structured:
            raise SchemaRefusedError("The endpoint has refused a JSON schema before.", asked=False)
        return await self._ask(prompt, sampling)

    def _require_address(self) -> None:
        if not self._address.startswith(("http://", "https://")):
            raise PermanentLlmError(
                f"{self._setting('BASE_URL')} must start with http:// or https://; it is {self.base_url!r}."
            )
        if self._address != self.base_url:
            raise PermanentLlmError(
                f"{self._setting('BASE_URL')} has a name or password in it, which would be seen in logs: "
                f"give the key in {self._setting('API_KEY')}."
            )

    async def _ask(self, prompt: Prompt, sampling: Sampling | None, *, tokens: int = 0) -> Answer:
        """`tokens`: only the first of the answer is asked for, and so many that are likeliest in its place."""
        self._require_address()
        with_schema = prompt.json_schema is not None
        async with self._slots:
            parameters = self.parameters(sampling)
            if tokens:
                parameters |= {self._learned.token_limit: 1, "logprobs": True, "top_logprobs": tokens}
            messages = self._learned.messages(prompt.messages)
            started = time.monotonic()
            try:
                async with asyncio.timeout(self._timeout + CONNECT_SECONDS):
                    body, request_id = await self._send(prompt, messages, parameters)
            except (TimeoutError, openai.APIConnectionError) as error:
                raise self._no_answer(_root(error)) from error
            except openai.APIStatusError as error:
                raise self._refused(error, prompt, messages, parameters) from None  # its request holds the key
        milliseconds = int(1000 * (time.monotonic() - started))
        try:
            completion = reading.completion(body)
        except UnreadableError as error:
            raise self._unreadable(error, body) from None
        if with_schema:
            self._learned.holds_schema = True
        self._learned.unproven = False
        form = {"response_format": "json_schema" if with_schema else "text", "finish_reason": completion.finish_reason}
        return Answer(
            text=storable(completion.text, MOST_ANSWER),
            model=storable(completion.model or self.model, 200),
            base_url=self.base_url,
            parameters=parameters | {name: storable(value, 100) for name, value in form.items()},
            prompt_tokens=completion.prompt_tokens,
            cached_tokens=completion.cached_tokens,
            completion_tokens=completion.completion_tokens,
            latency_ms=milliseconds,
            request_id=storable(request_id or completion.id, 200),
            first_tokens=completion.first_tokens,
        )

    async def _send(
        self, prompt: Prompt, messages: list[dict[str, str]], parameters: Mapping[str, Any]
    ) -> tuple[bytes, str]:
        """The body of a 200, and the id that the endpoint gave the request."""
        told: Any = messages
        response_format: Any = openai.omit
        if prompt.json_schema is not None:
            name = _NO_NAME.sub("_", prompt.name.split("+")[0])
            schema = {"name": name, "schema": prompt.json_schema, "strict": True}
            response_format = {"type": "json_schema", "json_schema": schema}
        response = await self._client.chat.completions.with_raw_response.create(
            model=self.model,
            messages=told,
            response_format=response_format,
            extra_body=await self._adapter() if self._beside is None else self._beside,
            **parameters,
        )
        return response.content, response.headers.get("x-request-id", "")

    async def _adapter(self) -> dict[str, Any]:
        """What names this role's adapter to a llama.cpp server. Asked each time: it may have been started again."""
        held = await self._held() if adapters.is_adapter(self.model) else None
        if held is None:
            return {}
        try:
            return adapters.chosen(self.model, held)
        except adapters.NoAdapterError as error:
            raise self._without_adapter(error) from error

    async def holding(self, models: Collection[str]) -> dict[str, int] | None:
        """A llama.cpp server's numbers of its adapters by name; None: another server, which knows them by name.

        Raises PermanentLlmError where it does not hold all of `models`, TransientLlmError where it does not answer.
        """
        self._require_address()
        try:
            held = await self._held()
            if held is not None:
                adapters.require(models, held)
            return held
        except adapters.NoAdapterError as error:
            raise self._without_adapter(error) from error
        except (TimeoutError, openai.APIConnectionError) as error:
            raise self._no_answer(_root(error)) from error

    async def _held(self) -> dict[str, int] | None:
        try:
            found = await self._client.get(adapters.address(self.base_url), cast_to=httpx2.Response)
            return adapters.held(found.content)
        except openai.APIStatusError:
            return None

    def _without_adapter(self, error: adapters.NoAdapterError) -> PermanentLlmError:
        return PermanentLlmError(
            f"The {self.role} endpoint {self.base_url} does not serve {self._setting('MODEL')}: {error}. Start the"
            " server with it (docs/training-sets.md)."
        )

    def _no_answer(self, cause: BaseException) -> TransientLlmError:
        where = f"The {self.role} endpoint {self.base_url}"
        if isinstance(cause, TooLargeError):
            return TransientLlmError(f"{where} answered too much: {cause}.")
        if isinstance(cause, TimeoutError):
            return TransientLlmError(f"{where} did not answer within {self._timeout:g} s ({self._setting('TIMEOUT')}).")
        return TransientLlmError(
            f"{where} cannot be reached ({storable(str(cause), MOST_ERROR)})."
            f" Is it running, and is {self._setting('BASE_URL')} right?"
        )

    def _refused(
        self,
        error: openai.APIStatusError,
        prompt: Prompt,
        messages: list[dict[str, str]],
        parameters: Mapping[str, Any],
    ) -> Exception:
        """What an HTTP status other than 2xx comes to; learns from it."""
        status, told = error.status_code, _body_of(error)
        said = storable(reading.said(told) or error.response.reason_phrase, MOST_ERROR)
        where = f"The {self.role} endpoint {self.base_url}"
        if status in REFUSES_PARAMETERS:
            if "logprobs" in parameters and _LOGPROBS.search(said):
                return self._no_logprobs(f"{status}: {said}")
            change = self._learned.refuses(
                said, _parameter(told), sent=parameters, with_system=messages[0]["role"] == "system"
            )
            if change:
                return ParameterRefusedError(f"{where} refuses the request ({status}: {said}): from now on {change}.")
        if self._mode == "auto" and status in REFUSES_SCHEMA:
            if prompt.json_schema is not None and self._may_be_the_schema(said):
                return SchemaRefusedError(
                    f"{where} refuses the request with a JSON schema ({status}: {said}); R4ec's tags are next."
                )
            if prompt.json_schema is None and self._learned.unproven:  # it was not the schema
                self._learned.holds_schema, self._learned.unproven = None, False
        return self._explained(status, said, retry_after=_retry_after(error.response.headers))

    def _may_be_the_schema(self, said: str) -> bool:
        sure = learned.about_schema(said)
        if not sure and (self._learned.holds_schema or _LOADING.search(said) or learned.about_length(said)):
            return False
        self._learned.holds_schema, self._learned.unproven = False, not sure
        return True

    def _explained(self, status: int, said: str, *, retry_after: float | None) -> Exception:
        """A status that is no answer, as an error that says what to do."""
        where = f"The {self.role} endpoint {self.base_url}"
        if _SPENT.search(said) or status == 402:
            return PermanentLlmError(f"{where} says that the account's money or quota is spent ({said}).")
        waits = status in WORTH_WAITING or status >= 500 or _RATE.search(said) or _LOADING.search(said)
        if waits:
            busy = "is busy" if status == 429 or _RATE.search(said) else "failed"
            return TransientLlmError(f"{where} {busy} ({status}: {said}).", retry_after=retry_after)
        if status in (401, 403):
            return PermanentLlmError(f"{where} refuses the key ({status}: {said}). Set {self._setting('API_KEY')}.")
        if 300 <= status < 400:
            return PermanentLlmError(
                f"{where} sends elsewhere ({status}), which is not followed, so that the key goes nowhere else."
                f" Is {self._setting('BASE_URL')} right?"
            )
        if status == 404:
            return PermanentLlmError(
                f"{where} knows no such address or model ({status}: {said}). {self._setting('BASE_URL')} usually ends"
                f" in /v1; {self._setting('MODEL')} is {self.model!r}."
            )
        return PermanentLlmError(
            f"{where} refuses the request ({status}: {said}). Look at {self._setting('MODEL')} ({self.model!r}) and"
            f" {self._setting('MAX_TOKENS')} ({self._wanted['max_tokens']})."
        )

    def _no_logprobs(self, why: str) -> PermanentLlmError:
        return PermanentLlmError(
            f"The {self.role} endpoint {self.base_url} does not say how likely the first words of its answer are"
            f" (logprobs; {why}). {self._setting('BASE_URL')} and {self._setting('MODEL')} must name a model at a"
            " server that does, such as llama.cpp's or vLLM's."
        )

    def _unreadable(self, error: UnreadableError, body: bytes) -> Exception:
        """A 200 that is no completion: it may have been paid for, so what it says is kept."""
        said = storable(str(error), MOST_ERROR)
        if error.status:
            return self._explained(error.status, said, retry_after=None)
        kept = storable(body[: 4 * MOST_ERROR].decode("utf-8", "replace"), MOST_ERROR)
        return TransientLlmError(
            f"The {self.role} endpoint {self.base_url} answered with something that is not a chat completion: {said}."
            f" If that goes on, is {self._setting('BASE_URL')} right? It usually ends in /v1.",
            answer=kept,
        )

    def _setting(self, name: str) -> str:
        return f"R4_{self.role.upper()}_{name}"


def storable(text: str, most: int) -> str:
    """Text that every database takes and everybody may see: no NUL, no lone surrogates, no secrets, not too long."""
    return redacted(text)[:most].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _root(error: BaseException) -> BaseException:
    """What went wrong first: the SDK and its transport both rename errors, and call a refused connection a timeout."""
    while error.__cause__ is not None and not isinstance(error, TooLargeError | TimeoutError):
        error = error.__cause__
    return error


def _body_of(error: openai.APIStatusError) -> object:
    """The endpoint's words as data where they are JSON: the SDK hands over the part of it that OpenAI would use."""
    try:
        return error.response.json()
    except (ValueError, RecursionError):
        return error.response.text[:MOST_ERROR]


def _parameter(told: object) -> str:
    """Which parameter an error object names."""
    inner = told.get("error", told) if isinstance(told, dict) else None
    name = inner.get("param") if isinstance(inner, dict) else None
    return name if isinstance(name, str) else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the endpoint asks to wait; None when it does not say.

    From Retry-After (seconds or a date), and from what OpenAI and Azure send in its place.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(float(headers.get(name, "").strip()) * unit, 0.0)
        except ValueError:
            pass
    try:
        return max((parsedate_to_datetime(headers.get("retry-after", "")) - timezone.now()).total_seconds(), 0.0)
    except (ValueError, TypeError):
        pass
    resets = [headers.get(f"x-ratelimit-reset-{of}", "") for of in ("requests", "tokens")]
    times = [re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", reset) for reset in resets]
    waits = [sum(float(number) * _TIMES[unit] for number, unit in time_) for time_ in times if time_]
    return max(waits, default=None)
