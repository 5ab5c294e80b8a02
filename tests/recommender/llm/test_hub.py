"""A model that is not where its name says: told in words, after one question to the hub."""

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from recommender.llm import hub


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """A hub that has nothing; the addresses that it was asked for."""
    paths: list[str] = []

    class Nothing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "/models/" in self.path:  # once a day its library asks for something of its own too
                paths.append(self.path)
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Nothing)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    yield paths
    server.shutdown()
    server.server_close()


def test_a_name_that_the_hub_does_not_know_is_asked_for_once(asked: list[str]) -> None:
    with pytest.raises(hub.NotThereError, match="the hub has no such model that is public: is the name written right"):
        hub.find("qwen/qwen-3-zero")
    assert asked == ["/api/models/qwen/qwen-3-zero"]


def test_a_hub_that_cannot_be_reached_is_asked_once_too(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(hub.NotThereError, match=r"is the name written right\? .*download smolm2 elsewhere"):
        hub.find("smolm2")
    assert asked == []


def test_where_the_hub_may_not_be_asked_that_is_said(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(hub.NotThereError, match="HF_HUB_OFFLINE forbids to ask the hub"):
        hub.find("smolm2")
    assert asked == []


def test_what_is_on_this_machine_is_told_as_what_it_is(tmp_path: Path, asked: list[str]) -> None:
    (tmp_path / "notes.txt").write_text("No model.")
    (tmp_path / "model").mkdir()
    for name, words in (
        ("nothing", "There is no such folder"),
        ("notes.txt", "It is a file, and no model: name a .gguf file"),
        ("model", "The folder has no config.json"),
    ):
        with pytest.raises(hub.NotThereError, match=words):
            hub.find(str(tmp_path / name))
    (tmp_path / "model" / "config.json").write_text("{}")
    hub.find(str(tmp_path / "model"))
    with pytest.raises(hub.NotThereError, match="no model of the hub can have this name"):
        hub.find("a/b/c")
    assert asked == []


def test_no_bars_of_libraries_come_into_logs() -> None:
    bars = "import r4web.settings; from tqdm.auto import tqdm; list(tqdm([1, 2], desc='Loading weights'))"
    done = subprocess.run([sys.executable, "-c", bars], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
