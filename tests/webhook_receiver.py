"""A real HTTP server that is told of events: right, slow, and every kind of wrong."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]  # names in small letters
    body: bytes


@dataclass(frozen=True)
class Reply:
    """`hang`: never answer. `endless`: the body never ends, as fast as it is read; `trickle`: a byte now and then."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hang: bool = False
    endless: bool = False
    trickle: bool = False


@dataclass
class Receiver:
    script: Callable[[Received], Reply]
    url: str = ""
    received: list[Received] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    came: threading.Event = field(default_factory=threading.Event)


@contextmanager
def running(
    script: Callable[[Received], Reply] | Reply | None = None, *, pem: Path | None = None
) -> Iterator[Receiver]:
    """`script`: what is answered, always or to a request. `pem`: certificate and key; then it speaks TLS."""
    always = script if isinstance(script, Reply) else Reply()
    receiver = Receiver(script if callable(script) else lambda _: always)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            receiver.received.append(heard)
            receiver.came.set()
            reply = receiver.script(heard)
            if reply.hang:
                receiver.closing.wait()
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)
            while (reply.endless or reply.trickle) and not receiver.closing.is_set():
                self.wfile.write(b"x" * 65_536 if reply.endless else b"x")
                if reply.trickle:
                    time.sleep(0.02)

        def do_GET(self) -> None:
            receiver.received.append(Received(self.path, {}, b""))
            self.send_response(200)
            self.end_headers()

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # who hangs up early is what is tested
    if pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver.url = f"{'https' if pem else 'http'}://127.0.0.1:{server.server_address[1]}/hooks"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
