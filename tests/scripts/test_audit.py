"""`make audit`: what is open fails, what is accepted says why, and nothing is passed off as audited."""

import importlib
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import ROOT

ADVISORY = {
    "id": "GHSA-of-django",
    "aliases": ["CVE-2099-1"],
    "summary": "Something bad",
    "details": "Something bad\nhappens.",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "django", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}],
        }
    ],
}


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    module = importlib.import_module("audit")
    monkeypatch.setattr(module, "ACCEPTED", tmp_path / "accepted.toml")
    module.ACCEPTED.write_text("")
    return module


@pytest.fixture
def advisories() -> Iterator[str]:
    """Answers as OSV does: Django is vulnerable, nothing else is."""

    class Osv(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps({"vulns": [ADVISORY]} if asked["package"]["name"] == "django" else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Osv) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


def run(audit: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, advisories: str) -> int:
    monkeypatch.setattr(sys, "argv", ["audit.py", "--sbom", str(tmp_path / "sbom"), "--advisories", advisories])
    return int(audit.main())


def test_every_package_of_every_lock_is_looked_at_and_torch(audit: ModuleType) -> None:
    pins = audit.pins(*audit.ALL)
    assert {pin.partition("==")[0] for pin in pins} >= {"django", "pytest", "uv", "fuxictr", "pip-audit", "torch"}
    assert set(audit.pins("ml")) <= set(pins)
    assert not any(" " in pin or "\\" in pin for pin in pins)


@pytest.mark.once
def test_what_is_open_fails_unless_it_is_accepted_with_a_reason(
    audit: ModuleType,
    advisories: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if not (audit.TOOLS / "installed").is_file():
        pytest.skip("needs the tools that `make audit` installs")
    monkeypatch.setattr(audit, "pins", lambda *_: ["django==5.2.1", "sqlparse==0.5.3"])
    monkeypatch.setattr(audit, "write_bill", lambda _: None)

    assert run(audit, monkeypatch, tmp_path, advisories) == 1
    said = capsys.readouterr().out
    assert "django 5.2.1: CVE-2099-1, GHSA-of-django; mended in 99.1. Something bad" in said
    assert "1 open in 2 packages" in said

    found = audit.audit(advisories)
    monkeypatch.setattr(audit, "audit", lambda _: found)
    audit.ACCEPTED.write_text('"CVE-2099-1" = "Nothing here does that."\nGONE = "Long ago."')
    assert run(audit, monkeypatch, tmp_path, advisories) == 0
    said = capsys.readouterr().out
    assert "accepted: django 5.2.1: CVE-2099-1, GHSA-of-django: Nothing here does that." in said
    assert "names GONE, which nothing has any more" in said
    assert "0 open" in said

    audit.ACCEPTED.write_text('"CVE-2099-1" = " "')
    with pytest.raises(SystemExit, match="CVE-2099-1 needs a reason"):
        run(audit, monkeypatch, tmp_path, advisories)


def test_without_network_it_says_that_nothing_was_audited(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "install_tools", lambda: None)
    monkeypatch.setattr(audit, "write_bill", lambda _: None)
    assert run(audit, monkeypatch, tmp_path, "http://127.0.0.1:1/v1/query") == 0
    said = capsys.readouterr().out
    assert "SKIPPED, nothing was audited. The advisories at http://127.0.0.1:1/v1/query cannot be reached" in said


def test_a_package_that_could_not_be_looked_up_is_no_clean_result(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json.dumps({"dependencies": [{"name": "x", "version": "1", "skip_reason": "unknown"}]})
    monkeypatch.setattr(audit, "run", lambda *_, **__: type("Done", (), {"stdout": answer, "stderr": ""}))
    with pytest.raises(audit.SkippedError, match="1 packages could not be looked up, x for one"):
        audit.audit("http://x")


@pytest.mark.once
def test_the_bill_names_every_package_that_is_deployed_with_its_hash(audit: ModuleType, tmp_path: Path) -> None:
    if not (audit.TOOLS / "installed").is_file():
        pytest.skip("needs the tools that `make audit` installs")
    audit.write_bill(tmp_path / "one")
    bill = json.loads((tmp_path / "one").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "r4web"
    assert {f"{one['name']}=={one['version']}" for one in bill["components"]} == set(audit.pins("ml"))
