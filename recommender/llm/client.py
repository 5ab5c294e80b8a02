"""The LLM roles over the OpenAI chat-completions protocol. Nothing else imports openai.

The SDK's own retries are off: every call that was made is stored, and waiting is the round's business.
"""

import asyncio
import time
from email.utils import parsedate_to_datetime
from typing import Any, Self

import openai
from django.conf import settings
from django.utils import timezone
from openai import AsyncOpenAI, DefaultAioHttpClient
from openai.types.chat import ChatCompletion

from recommender.llm.errors import PermanentLlmError, TransientLlmError
from recommender.llm.types import Answer, Prompt, Role, Sampling

CONNECT_SECONDS = 5.0
MOST_ANSWER = 200_000  # characters of an answer that are kept
MOST_ERROR = 500  # characters of an endpoint's own error message that are kept
REFUSES_SCHEMA = (400, 404, 415, 422, 500, 501)  # what servers answer that cannot hold a JSON schema
REFUSES_SEED = (400, 422)
ABOUT_SCHEMA = ("response_format", "json_schema", "structured output", "guided", "grammar")
WORTH_WAITING = (408, 409, 425, 429)

# Whether an endpoint's model holds JSON schemas, as this process has learnt: (base URL, model) → answer.
_holds_schema: dict[tuple[str, str], bool] = {}
_refuses_seed: set[tuple[str, str]] = set()


class RefusedError(TransientLlmError):
    """The endpoint cannot do what was asked; from now on its role asks without. `asked`: it cost a call."""

    def __init__(self, message: str, *, asked: bool = True) -> None:
        super().__init__(message)
        self.asked = asked


class SchemaRefusedError(RefusedError):
    """The endpoint cannot hold a JSON schema."""


class SeedRefusedError(RefusedError):
    """The endpoint takes no seed: its drafts differ by temperature alone."""


class OpenAiLlm:
    """One role's endpoint: an async context manager, for one event loop.

    At most `concurrency` requests are under way at once.
    """

    def __init__(self, role: Role) -> None:
        configured: dict[str, Any] = settings.LLM[role]
        self.role = role
        self.base_url: str = configured["base_url"]
        self.model: str = configured["model"]
        self.parameters: dict[str, Any] = {name: configured[name] for name in ("temperature", "top_p", "max_tokens")}
        self._timeout: float = configured["timeout"]
        self._mode: str = configured["structured"]
        self.concurrency: int = configured["concurrency"]
        self._slots = asyncio.Semaphore(self.concurrency)
        # An endpoint that may refuse schemas is asked once before it is asked many times.
        self._first = asyncio.Lock()
        self._client = AsyncOpenAI(
            base_url=self.base_url,
            api_key=configured["api_key"],
            max_retries=0,
            timeout=openai.Timeout(self._timeout, connect=CONNECT_SECONDS),
            http_client=DefaultAioHttpClient(),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    @property
    def structured(self) -> bool:
        """Whether a JSON schema is asked for. `auto`: until the endpoint has refused one."""
        if self._mode == "auto":
            return _holds_schema.get((self.base_url, self.model), True)
        return self._mode == "json_schema"

    async def ask(self, prompt: Prompt, *, sampling: Sampling | None = None) -> Answer:
        """Ask once. `Answer.parameters` also holds the finish reason, and the seed where one was sent.

        Raises TransientLlmError or PermanentLlmError, whose messages say which setting to look at; and RefusedError,
        after which the same is to be asked anew: `structured` may be False by then.
        """
        if not self.base_url.startswith(("http://", "https://")):
            raise PermanentLlmError(
                f"{self._setting('BASE_URL')} must start with http:// or https://; it is {self.base_url!r}."
            )
        if prompt.json_schema is None:
            return await self._ask(prompt, sampling)
        if self._mode == "auto" and (self.base_url, self.model) not in _holds_schema:
            async with self._first:
                if (self.base_url, self.model) not in _holds_schema:
                    answer = await self._ask(prompt, sampling)
                    _holds_schema[self.base_url, self.model] = True
                    return answer
        if not self.structured:
            raise SchemaRefusedError("The endpoint has refused a JSON schema before.", asked=False)
        return await self._ask(prompt, sampling)

    async def _ask(self, prompt: Prompt, sampling: Sampling | None) -> Answer:
        with_schema = prompt.json_schema is not None
        parameters = self._parameters(sampling)
        async with self._slots:
            started = time.monotonic()
            try:
                async with asyncio.timeout(self._timeout + CONNECT_SECONDS):
                    completion = await self._complete(prompt, parameters)
            except (TimeoutError, openai.APIConnectionError) as error:
                raise self._no_answer(_root(error)) from error
            except openai.APIStatusError as error:
                raise self._explain(error, with_schema=with_schema, with_seed="seed" in parameters) from error
            except (openai.OpenAIError, ValueError) as error:
                raise self._not_a_completion(str(error)) from error
        form = {"response_format": "json_schema" if with_schema else "text"}
        return self._answer(completion, parameters | form, milliseconds=int(1000 * (time.monotonic() - started)))

    def _parameters(self, sampling: Sampling | None) -> dict[str, Any]:
        if sampling is None:
            return self.parameters
        seeded = (self.base_url, self.model) not in _refuses_seed
        drawn = {"temperature": sampling.temperature} | ({"seed": sampling.seed} if seeded else {})
        return self.parameters | drawn

    async def _complete(self, prompt: Prompt, parameters: dict[str, Any]) -> object:
        messages: Any = list(prompt.messages)
        response_format: Any = openai.omit
        if prompt.json_schema is not None:
            schema = {"name": prompt.name.split("+")[0].replace("/", "_"), "schema": prompt.json_schema, "strict": True}
            response_format = {"type": "json_schema", "json_schema": schema}
        return await self._client.chat.completions.create(
            model=self.model, messages=messages, response_format=response_format, **parameters
        )

    def _answer(self, completion: object, parameters: dict[str, Any], *, milliseconds: int) -> Answer:
        if not isinstance(completion, ChatCompletion) or not completion.choices:
            raise self._not_a_completion(str(completion))
        choice, usage = completion.choices[0], completion.usage
        content = choice.message.content if choice.message else None
        return Answer(
            text=storable(content or "", MOST_ANSWER),
            model=storable(completion.model or self.model, 200),
            base_url=self.base_url,
            parameters=parameters | {"finish_reason": str(choice.finish_reason)},
            prompt_tokens=(usage.prompt_tokens if usage else 0) or 0,
            completion_tokens=(usage.completion_tokens if usage else 0) or 0,
            latency_ms=milliseconds,
            request_id=storable(completion._request_id or completion.id or "", 200),
        )

    def _no_answer(self, cause: BaseException) -> TransientLlmError:
        where = f"The {self.role} endpoint {self.base_url}"
        if isinstance(cause, TimeoutError):
            return TransientLlmError(f"{where} did not answer within {self._timeout:g} s ({self._setting('TIMEOUT')}).")
        return TransientLlmError(
            f"{where} cannot be reached ({storable(str(cause), MOST_ERROR)})."
            f" Is it running, and is {self._setting('BASE_URL')} right?"
        )

    def _explain(self, error: openai.APIStatusError, *, with_schema: bool, with_seed: bool) -> Exception:
        status, said = error.status_code, _said(error)
        where = f"The {self.role} endpoint {self.base_url}"
        if with_schema and self._mode == "auto" and status in REFUSES_SCHEMA and _about_schema(said):
            _holds_schema[self.base_url, self.model] = False
            return SchemaRefusedError(
                f"{where} refuses JSON schemas ({status}: {said}); R4ec's tags from now on.", asked=True
            )
        if with_seed and status in REFUSES_SEED and "seed" in said.lower():
            _refuses_seed.add((self.base_url, self.model))
            return SeedRefusedError(f"{where} takes no seed ({status}: {said}); none is sent from now on.")
        if status in (401, 403):
            return PermanentLlmError(f"{where} refuses the key ({status}: {said}). Set {self._setting('API_KEY')}.")
        if status == 404:
            return PermanentLlmError(
                f"{where} knows no such address or model ({status}: {said}). {self._setting('BASE_URL')} usually ends"
                f" in /v1; {self._setting('MODEL')} is {self.model!r}."
            )
        if getattr(error, "code", None) == "insufficient_quota":
            return PermanentLlmError(f"{where} says that the account's quota is spent ({said}).")
        if status in WORTH_WAITING or status >= 500:
            busy = "is busy" if status == 429 else "failed"
            return TransientLlmError(f"{where} {busy} ({status}: {said}).", retry_after=_retry_after(error))
        return PermanentLlmError(
            f"{where} refuses the request ({status}: {said}). Look at {self._setting('MODEL')} ({self.model!r}) and"
            f" {self._setting('MAX_TOKENS')} ({self.parameters['max_tokens']})."
        )

    def _not_a_completion(self, said: str) -> PermanentLlmError:
        return PermanentLlmError(
            f"The {self.role} endpoint {self.base_url} answered with something that is not a chat completion"
            f" ({storable(said, 120)!r}). Is {self._setting('BASE_URL')} right? It usually ends in /v1."
        )

    def _setting(self, name: str) -> str:
        return f"R4_{self.role.upper()}_{name}"


def storable(text: str, most: int) -> str:
    """Text that every database takes: no NUL, no lone surrogates, not too long."""
    return text[:most].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _root(error: BaseException) -> BaseException:
    """What went wrong first: the SDK and its transport both rename errors, and call a refused connection a timeout."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _said(error: openai.APIStatusError) -> str:
    """The endpoint's own words, where it has any."""
    body = error.body
    message = body.get("message") or body.get("detail") if isinstance(body, dict) else body
    return storable(" ".join(str(message or error.response.reason_phrase).split()), MOST_ERROR)


def _about_schema(said: str) -> bool:
    return any(word in said.lower() for word in ABOUT_SCHEMA)


def _retry_after(error: openai.APIStatusError) -> float | None:
    """Seconds that the endpoint asks to wait, from Retry-After (seconds or a date); None when it does not say."""
    value = error.response.headers.get("retry-after", "").strip()
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(value) - timezone.now()).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None
