"""A small scripted server that speaks the chat-completions wire: right, slow, and every kind of wrong."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.db import connections

PREFERENCE = "Prefers quiet dramas with patient pacing, rates loud action low, and returns to directors liked before."
UNREASONABLE = (
    "<Final Judgement>The text is not reasonable</Final Judgement>"
    "<Reflection>It passes over the two comedies that were rated low.</Reflection>"
)
REASONABLE = "<Final Judgement>The text is reasonable</Final Judgement><Reflection></Reflection>"


@dataclass(frozen=True)
class Reply:
    """What to answer. `body`: a string or bytes are sent as they are, anything else as JSON. `hang`: never answer.

    `trickle`: seconds before each byte of the body.
    """

    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    hang: bool = False
    trickle: float = 0.0


def says(text: str, *, finish_reason: str = "stop") -> Reply:
    """A completion with this text; 100 tokens in, 20 out."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    completion = {"id": "c1", "object": "chat.completion", "created": 1, "model": "scripted"}
    return Reply(body=completion | {"choices": [choice], "usage": usage})


def error(status: int, message: str, **headers: str) -> Reply:
    return Reply(status, {"error": {"message": message}}, {k.replace("_", "-"): v for k, v in headers.items()})


@dataclass
class ScriptedServer:
    """Answers by `script(request, number)`, a number counting from 1 for each model; keeps every request."""

    script: Callable[[dict[str, Any], int], Reply]
    requests: list[dict[str, Any]] = field(default_factory=list)
    base_url: str = ""
    adapters: list[dict[str, Any]] | None = None  # what a llama.cpp server lists; None: there is no such list
    lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    def asked(self, model: str) -> list[dict[str, Any]]:
        return [request for request in self.requests if request["model"] == model]

    def reply_to(self, request: dict[str, Any]) -> Reply:
        with self.lock:
            self.requests.append(request)
            number = len(self.asked(request["model"]))
        return self.script(request, number)

    def endpoints(self, **settings: Any) -> dict[str, dict[str, Any]]:
        """`settings.LLM` for this server: models "actor", "reflector", "teacher" and "scorer"."""
        common = {
            "base_url": self.base_url, "api_key": "none", "temperature": 0.0, "top_p": 1.0, "max_tokens": 300,
            "timeout": 10.0, "concurrency": 8, "structured": "tags",
            "price_read": 0.0, "price_written": 0.0,
        }  # fmt: skip
        return {role: common | {"model": role} | settings for role in ("actor", "reflector", "teacher", "scorer")}


def loop_script(*verdicts: str) -> Callable[[dict[str, Any], int], Reply]:
    """An actor that always writes a new text, and a reflector that gives each round these answers in turn."""

    def script(request: dict[str, Any], number: int) -> Reply:
        if request["model"] == "actor":
            return says(f"{PREFERENCE} Draft {number} of this text says so in its own words.")
        return says(verdicts[min(number, len(verdicts)) - 1])

    return script


def _encoded(body: Any) -> bytes:
    return (body if isinstance(body, str) else json.dumps(body)).encode()


@contextmanager
def running(script: Callable[[dict[str, Any], int], Reply]) -> Iterator[ScriptedServer]:
    scripted = ScriptedServer(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            known = self.path == "/lora-adapters" and scripted.adapters is not None
            body = _encoded(scripted.adapters if known else {"error": {"message": "Not found"}})
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                reply = scripted.reply_to(request)
            finally:
                connections.close_all()  # a script may look at the database, in this thread
            if reply.hang:
                scripted.closing.wait()
                self.close_connection = True
                return
            body = reply.body if isinstance(reply.body, bytes) else _encoded(reply.body)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # the client had enough of it
                for piece in (body[place : place + 1] for place in range(len(body))) if reply.trickle else [body]:
                    if scripted.closing.wait(reply.trickle):
                        break
                    self.wfile.write(piece)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        scripted.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield scripted
        finally:
            scripted.closing.set()
            server.shutdown()
            thread.join()
