"""The HTTP side: routes, keys, limits, errors in OpenAI's shape, streaming."""

import asyncio
import json
import math
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from threading import Event, Thread

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from worker.endpoint import demonstration, protocol
from worker.endpoint.errors import ApiError, invalid, rate_limited

MAX_BODY = 1024 * 1024  # bytes
FAIL_HEADER = "X-R4-Fail"  # a caller asks for an error: 429, 500 or 503
STOP_WITHIN = 2.0  # seconds for answers under way when the server ends


@dataclass(slots=True)
class RateLimit:
    """At most `per_second` chats a second, up to one second's worth at once. 0: no limit."""

    per_second: float
    _tokens: float = 0.0
    _at: float = 0.0

    def take(self) -> None:
        if self.per_second <= 0:
            return
        now, most = time.monotonic(), max(1.0, self.per_second)
        self._tokens = min(most, self._tokens + (now - self._at) * self.per_second) if self._at else most
        self._at = now
        if self._tokens < 1:
            raise rate_limited(max(1, math.ceil((1 - self._tokens) / self.per_second)))
        self._tokens -= 1


def create_app(*, api_key: str = "", rate_limit: float = 0.0) -> web.Application:
    """The endpoint as an aiohttp application. `api_key`: callers must send it, if it is not empty."""
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_openai_errors, _key_check(api_key)])
    limit = RateLimit(rate_limit)

    async def chat(request: web.Request) -> web.StreamResponse:
        return await _chat(request, limit)

    app.add_routes([
        web.get("/health", _health),
        web.get("/v1/models", _models),
        web.get("/v1/models/{name}", _model),
        web.post("/v1/chat/completions", chat),
    ])  # fmt: skip
    return app


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok", "note": demonstration.LABEL})


async def _models(_request: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [protocol.model_card(name) for name in demonstration.MODELS]})


async def _model(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in demonstration.MODELS:
        raise protocol.unknown_model(name)
    return web.json_response(protocol.model_card(name))


async def _chat(request: web.Request, limit: RateLimit) -> web.StreamResponse:
    _fail_on_request(request.headers.get(FAIL_HEADER, ""))
    limit.take()
    try:
        body = await request.json()
    except ValueError as error:  # not JSON, or not text at all
        raise invalid(f"The request body is not JSON: {error}.") from error
    chat = protocol.ChatRequest.parse(body)
    completion = protocol.complete(chat)
    headers = {"x-request-id": completion.id}
    if not chat.stream:
        return web.json_response(completion.body(), headers=headers)
    response = web.StreamResponse(headers=headers | {"Cache-Control": "no-cache", "Content-Type": "text/event-stream"})
    await response.prepare(request)
    for chunk in completion.chunks(include_usage=chat.include_usage):
        await response.write(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


def _fail_on_request(status: str) -> None:
    if status == "429":
        raise rate_limited(1)
    if status in ("500", "503"):
        raise ApiError(int(status), "This error was asked for.", kind="server_error")


@web.middleware
async def _openai_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return web.json_response(error.body, status=error.status, headers=error.headers)
    except web.HTTPException as error:
        refusal = ApiError(error.status, f"{request.method} {request.path}: {error.reason}.")
        return web.json_response(refusal.body, status=error.status)


def _key_check(api_key: str) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if api_key and request.path != "/health" and not secrets.compare_digest(given.encode(), api_key.encode()):
            raise ApiError(401, "The API key is missing or wrong.", kind="authentication_error", code="invalid_api_key")
        return await handler(request)

    return check


@asynccontextmanager
async def listening(app: web.Application, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve until the block ends; gives the base URL. `port` 0 takes a free one. Raises OSError if it is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_WITHIN)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


@contextmanager
def serve(*, api_key: str = "", rate_limit: float = 0.0) -> Iterator[str]:
    """Serve on a free port from a thread of this process, for tests; gives the base URL."""
    started, urls, failures = Event(), list[str](), list[BaseException]()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def run() -> None:
        async with listening(create_app(api_key=api_key, rate_limit=rate_limit)) as url:
            urls.append(url)
            started.set()
            await done.wait()

    def body() -> None:
        try:
            loop.run_until_complete(run())
        except BaseException as error:  # handed to the caller below
            failures.append(error)
        finally:
            loop.close()
            started.set()

    thread = Thread(target=body, name="r4-endpoint", daemon=True)
    thread.start()
    started.wait()
    if failures:
        raise failures[0]
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
