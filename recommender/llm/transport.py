"""The HTTP client of the OpenAI SDK, with a bound on what an endpoint may send, however it is packed."""

import ssl
import zlib
from collections.abc import AsyncIterator
from functools import cache

import httpx2
from openai import DefaultAioHttpClient

MOST_BYTES = 8 * 2**20  # of an answer, unpacked: forty times the longest text that is kept
PACKED = {"gzip": 47, "x-gzip": 47, "deflate": 47}  # zlib's window bits that find out which of the two it is


class TooLargeError(httpx2.TransportError):
    """The endpoint sent more than MOST_BYTES."""

    def __init__(self) -> None:
        super().__init__(f"it sent more than {MOST_BYTES / 2**20:.0f} MiB")


class _Bounded(httpx2.AsyncByteStream):
    """A body as it comes off the wire, unpacked piece by piece and never beyond the bound."""

    def __init__(self, stream: httpx2.AsyncByteStream, coding: str) -> None:
        self._stream = stream
        self._unpacker = zlib.decompressobj(PACKED[coding]) if coding in PACKED else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """What came before the connection broke may be a whole answer, and was paid for: whoever reads it decides."""
        size = 0
        try:
            async for piece in self._stream:
                unpacked = self._unpacked(piece)
                size += len(unpacked)
                if size > MOST_BYTES:
                    raise TooLargeError
                yield unpacked
        except (httpx2.ReadError, httpx2.RemoteProtocolError):
            if not size:
                raise

    def _unpacked(self, piece: bytes) -> bytes:
        if self._unpacker is None:
            return piece
        try:
            return self._unpacker.decompress(piece, MOST_BYTES + 1)
        except zlib.error:
            self._unpacker = None  # it only says that it is packed
            return piece

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: httpx2.Response) -> None:
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in PACKED:
        del response.headers["content-encoding"]  # unpacked here
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Bounded(response.stream, coding)


def bounded_client() -> httpx2.AsyncClient:
    """For one event loop. It asks for plain answers and follows no redirect: a key goes to the named address only."""
    return DefaultAioHttpClient(
        follow_redirects=False,
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [_bound]},
        verify=_authorities(),
    )


@cache
def _authorities() -> ssl.SSLContext:
    """Whose certificates are trusted. Reading them takes 20 ms, and every chunk of rounds has clients of its own."""
    return httpx2.create_ssl_context()
