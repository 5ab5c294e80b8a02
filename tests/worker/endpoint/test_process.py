"""`python -m worker.endpoint` as its own process."""

import json
import os
import signal
import subprocess
import sys
from urllib.request import urlopen

from tests.servers import free_port, wait_until

COMMAND = [sys.executable, "-m", "worker.endpoint"]


def health(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(json.load(answer)["status"] == "ok")
    except OSError:
        return False


def test_it_serves_until_it_is_told_to_stop() -> None:
    port = free_port()
    with subprocess.Popen([*COMMAND, "--port", str(port)], stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: health(port), what="the endpoint")
        finally:
            process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "not LLMs" in said
    assert "Traceback" not in said


def test_a_port_in_use_is_one_clear_sentence() -> None:
    port = free_port()
    with subprocess.Popen([*COMMAND, "--port", str(port)], stderr=subprocess.DEVNULL) as first:
        try:
            wait_until(lambda: health(port), what="the endpoint")
            second = subprocess.run(
                [*COMMAND, "--port", str(port)], capture_output=True, text=True, timeout=20, check=False
            )
        finally:
            first.terminate()
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{port}" in second.stderr


def test_it_loads_neither_django_nor_torch_nor_openai() -> None:
    code = "import sys, worker.endpoint.server; print([n for n in ('django', 'torch', 'openai') if n in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert answer.stdout.strip() == "[]"
