"""One call from the first try to its answer, the same for both clients. It sends nothing and sleeps nowhere: it yields
what is to be done, and whoever drives it does that."""

from __future__ import annotations

import json
import platform
from collections import OrderedDict
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlencode

import httpx2

from r4web_client import errors, retries
from r4web_client.calls import Call
from r4web_client.retries import Retries

T = TypeVar("T")
TIMEOUT = httpx2.Timeout(60.0, connect=5.0)  # seconds; a batch of 10,000 takes its time


@dataclass(frozen=True, slots=True)
class Send:
    """To be answered with an Answer, or with httpx2's error."""

    method: str
    address: str
    headers: Mapping[str, str]
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Wait:
    """To be answered with None, once they are over."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in any case
    content: bytes

    @classmethod
    def of(cls, response: httpx2.Response) -> Answer:
        return cls(response.status_code, response.headers, response.content)


Step: TypeAlias = Send | Wait
Came: TypeAlias = Answer | httpx2.TransportError | None


class Kept:
    """The last answers that have an ETag, by address: the server says 304 while they still hold."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._answers: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._lock = Lock()  # threads share a client

    def get(self, address: str) -> tuple[str | None, bytes]:
        """ETag and content; None and nothing where nothing is kept."""
        with self._lock:
            if address in self._answers:
                self._answers.move_to_end(address)
            return self._answers.get(address, (None, b""))

    def keep(self, address: str, etag: str, content: bytes) -> None:
        with self._lock:
            self._answers[address] = etag, content
            self._answers.move_to_end(address)
            while len(self._answers) > self.most:
                self._answers.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Core:
    """`server`: its address, such as https://r4web.example. `token`: an API token's key."""

    server: str
    token: str = field(repr=False)
    retries: Retries
    kept: Kept
    user_agent: str = ""

    def __post_init__(self) -> None:
        if not self.server.startswith(("https://", "http://")):
            raise ValueError(f"The server's address begins with https:// or http://; this one is {self.server!r}.")
        if not self.token or not all("!" <= each <= "~" for each in self.token):  # else an error of httpx2 prints it
            raise ValueError("The token is empty, or has a space or a line end in it, as read from a file: strip it.")

    def flow(self, call: Call[T]) -> Generator[Step, Came, T]:
        """Returns the answer's JSON. Raises a ProblemError or an UnreachedError."""
        address = self.address(call)
        tried, waited = 0, 0.0
        while True:
            etag, content = self.kept.get(address) if call.kept else (None, b"")
            came = yield Send(call.method, address, self._headers(call, etag), call.content)
            tried += 1
            if isinstance(came, Answer):
                if came.status == 304:
                    return _parsed(call, content)
                if came.status < 300:
                    if call.kept and "ETag" in came.headers:
                        self.kept.keep(address, came.headers["ETag"], came.content)
                    return _parsed(call, came.content)
            wait = self._wait(call, came, tried, waited)
            if wait is None:
                raise self._failure(came, address, tried)
            waited += wait
            yield Wait(wait)

    def address(self, call: Call[Any]) -> str:
        query = f"?{urlencode(call.query)}" if call.query else ""
        return f"{self.server.rstrip('/')}{call.path}{query}"

    def _headers(self, call: Call[Any], etag: str | None) -> dict[str, str]:
        said = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/json",
            "User-Agent": " ".join(filter(None, (self.user_agent, USER_AGENT))),
            **call.headers,
        }
        return said | ({"If-None-Match": etag} if etag else {})

    def _wait(self, call: Call[Any], came: Came, tried: int, waited: float) -> float | None:
        if isinstance(came, Answer):
            after = retries.seconds(came.headers.get("Retry-After"))
            better = retries.may_better(came.status, after, repeatable=call.repeatable)
            return self.retries.wait(tried, waited, after) if better else None
        return self.retries.wait(tried, waited) if call.repeatable else None

    def _failure(self, came: Came, address: str, tried: int) -> errors.R4WebError:
        if isinstance(came, Answer):
            wait = retries.seconds(came.headers.get("Retry-After"))
            return errors.problem(came.status, came.content, retry_after=wait)
        assert came is not None, "a Send is answered with what came of it"
        failure = errors.UnreachedError(address.partition("?")[0], tried, came)
        failure.__cause__ = came
        return failure


def _parsed(call: Call[T], content: bytes) -> T:
    """`call` tells the type."""
    said: T = json.loads(content)
    return said


def _version() -> str:
    try:
        return version("r4web-client")
    except PackageNotFoundError:  # from a checkout
        return "0"


USER_AGENT = f"r4web-client/{_version()} python/{platform.python_version()} httpx2/{httpx2.__version__}"
