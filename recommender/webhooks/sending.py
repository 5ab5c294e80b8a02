"""One request to an endpoint: within a time, reading a little of the answer, following no redirect."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult

import httpx2
from django.conf import settings

from recommender.models.webhooks import LONGEST_ANSWER, LONGEST_ERROR
from recommender.webhooks import guard

MOST_READ = 4096  # bytes of an answer
ANSWER_SECONDS = 2.0  # that its body may take once its status is known
AGENT = "R4Web-Webhooks/1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt. `status`: of HTTP; None where none came, and `error` says why, in words.

    `text`: the first characters of the body. `retry_after`: the header as it came.
    """

    duration_ms: int
    status: int | None = None
    text: str = ""
    error: str = ""
    retry_after: str | None = None

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(slots=True)
class _Heard:
    """What has come so far."""

    status: int | None = None
    text: str = ""
    retry_after: str | None = None


def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Send it, and say what came of it; never raises for what a receiver does.

    It takes WEBHOOK_TIMEOUT for the status, and ANSWER_SECONDS more for what follows, at most.
    """
    began, heard, error = time.monotonic(), _Heard(), ""
    try:
        asyncio.run(_within_time(url, headers, body, heard))
    except TimeoutError:
        error = f"No answer came within {settings.WEBHOOK_TIMEOUT:g} seconds."
    except guard.RefusedUrlError as refused:
        error = str(refused)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as failed:
        error = f"{type(failed).__name__}: {failed}".rstrip(": ")
    if heard.status is not None:  # it has answered, whatever became of the connection
        redirects = 300 <= heard.status < 400
        error = "It answered with a redirect, which is not followed: set the new address." if redirects else ""
    duration_ms = round((time.monotonic() - began) * 1000)
    text, error = _clean(heard.text, LONGEST_ANSWER), _clean(error, LONGEST_ERROR)
    return Answer(duration_ms, heard.status, text, error, heard.retry_after)


async def _within_time(url: str, headers: Mapping[str, str], body: bytes, heard: _Heard) -> None:
    async with asyncio.timeout(settings.WEBHOOK_TIMEOUT) as limit:
        parts = guard.parsed(url)  # the settings may have changed since it was added
        assert parts.hostname is not None
        addresses = await guard.addresses_of(parts.hostname, parts.port or guard.PORTS[parts.scheme])
        for address in addresses[:-1]:
            with suppress(httpx2.ConnectError):
                await _post(parts, address, headers, body, heard, limit)
                return
        await _post(parts, addresses[-1], headers, body, heard, limit)


async def _post(
    parts: SplitResult,
    address: str,
    headers: Mapping[str, str],
    body: bytes,
    heard: _Heard,
    limit: asyncio.Timeout,
) -> None:
    """Send it to this address of the host. Its certificate must be the host's."""
    path = parts.path or "/"
    url = httpx2.URL(
        scheme=parts.scheme,
        host=address,
        port=parts.port,
        raw_path=(f"{path}?{parts.query}" if parts.query else path).encode(),
    )
    sent = {
        "Host": parts.netloc,
        "User-Agent": AGENT,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
    }
    # No proxy of the environment: it would look the name up again, and connect to whatever it finds.
    async with (
        httpx2.AsyncClient(trust_env=False, verify=authorities(), timeout=settings.WEBHOOK_TIMEOUT) as client,
        client.stream(
            "POST",
            url,
            content=body,
            headers=sent | dict(headers),
            extensions={"sni_hostname": parts.hostname},
            follow_redirects=False,
        ) as response,
    ):
        heard.status, heard.retry_after = response.status_code, response.headers.get("retry-after")
        limit.reschedule(asyncio.get_running_loop().time() + ANSWER_SECONDS)
        came = bytearray()
        async for piece in response.aiter_raw():
            came += piece
            heard.text = came[:MOST_READ].decode("utf-8", "replace")
            if len(came) >= MOST_READ:
                break


def _clean(text: str, most: int) -> str:
    """What both databases take."""
    return text.replace("\x00", "\ufffd")[:most]


@cache
def authorities() -> ssl.SSLContext:
    """Whose certificates are trusted: the usual ones, or those that SSL_CERT_FILE names."""
    return httpx2.create_ssl_context()
