"""A real server between a client and R4Web, which fails as it is told."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host"}
UNREAD = "hang up"  # before anything is done
LOST = "lose the answer"  # R4Web does what it was asked, and nobody is told
Failure = str | tuple[int, dict[str, str], bytes]  # or what is answered in R4Web's stead


@dataclass
class Between:
    """`failures`: of the next requests, in their order; all others are handed on. `seen`: what came."""

    behind: str
    url: str = ""
    failures: list[Failure] = field(default_factory=list)
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def between(behind: str) -> Iterator[Between]:
    told = Between(behind)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Told", (_Handler,), {"told": told}))
    server.daemon_threads = True
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    told: Between

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.told.seen.append((self.command, self.path, dict(self.headers)))
        failure = self.told.failures.pop(0) if self.told.failures else None
        if failure == UNREAD:
            self.close_connection = True
        elif isinstance(failure, tuple):
            self.write(*failure)
        else:
            status, headers, content = self.handed_on(body)
            if failure == LOST:
                self.close_connection = True
            else:
                self.write(status, headers, content)

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815  # names of http.server

    def handed_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.told.behind).netloc, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        connection.request(self.command, self.path, body or None, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        said = {name: value for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP}
        return response.status, said, content

    def write(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""
