import re
import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from r4web import checks as ours
from r4web import environment
from tests.conftest import ROOT


def messages(found: list[checks.CheckMessage]) -> str:
    return "\n".join(f"{one.id} {one.msg} {one.hint or ''}" for one in found)


def test_the_defaults_are_without_mistakes() -> None:
    assert ours.endpoints(None) + ours.addresses(None) + ours.numbers(None) == []


def test_fewer_candidates_than_a_list_may_have_are_a_mistake(settings: Any) -> None:
    assert ours.candidates(None) == []
    settings.CANDIDATES = 199
    assert "R4_CANDIDATES must be at least 200" in messages(ours.candidates(None))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("base_url", "localhost:8001/v1", "R4_ACTOR_BASE_URL must be an http or https address"),
        ("base_url", "https://me:secret-word@llm.example/v1", "R4_ACTOR_BASE_URL must be without a name and password"),
        ("structured", "yes", "R4_ACTOR_STRUCTURED must be auto or json_schema or tags"),
        ("temperature", -1.0, "R4_ACTOR_TEMPERATURE must be from 0 to 2"),
        ("top_p", 0.0, "R4_ACTOR_TOP_P"),
        ("max_tokens", 0, "R4_ACTOR_MAX_TOKENS"),
        ("timeout", 0.0, "R4_ACTOR_TIMEOUT"),
        ("concurrency", 0, "R4_ACTOR_CONCURRENCY"),
    ],
)
def test_a_mistaken_endpoint_setting_is_named(settings: Any, name: str, value: object, said: str) -> None:
    settings.LLM = {"actor": settings.LLM["actor"] | {name: value}}
    assert said in messages(ours.endpoints(None))
    assert "secret-word" not in messages(ours.endpoints(None))


def test_a_sampling_parameter_may_be_empty(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R4_ACTOR_TEMPERATURE", " ")
    monkeypatch.delenv("R4_ACTOR_TOP_P", raising=False)
    values = [environment.number_or_nothing(f"R4_ACTOR_{name}", 1.0) for name in ("TEMPERATURE", "TOP_P")]
    assert values == [None, 1.0]
    settings.LLM = {"actor": settings.LLM["actor"] | {"temperature": None, "top_p": None, "max_tokens": None}}
    assert ours.endpoints(None) == []


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("foo", "R4_LLM: “foo” is no model known here: write smollm2, or the path of a .gguf file."),
        ("", ""),
        ("/nowhere/a.gguf", "R4_LLM: There is no file /nowhere/a.gguf."),
        (str(ROOT / "README.md"), "is no model known here"),
        (str(ROOT / "docs"), f"R4_LLM: {ROOT / 'docs'} is a folder: name one .gguf file in it."),
        ("/nowhere/A.GGUF", "R4_LLM: There is no file /nowhere/A.GGUF."),
    ],
)
def test_a_local_llm_that_is_not_there_is_said_before_anything_starts(settings: Any, word: str, said: str) -> None:
    settings.LOCAL_LLM = word
    found = messages(ours.local_llm(None))
    assert (said in found) if said else (found == "")


def test_a_local_llm_and_an_endpoint_elsewhere_contradict_each_other(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    settings.LOCAL_LLM, settings.LOCAL_LLM_THREADS = str(tmp_path / "a.gguf"), 0
    monkeypatch.setenv("R4_ACTOR_BASE_URL", "http://gpu:8000/v1")
    monkeypatch.setenv("R4_REFLECTOR_MODEL", "big")
    monkeypatch.setattr("worker.llama.find_spec", lambda name: None)
    found = messages(ours.local_llm(None))
    assert "and R4_ACTOR_BASE_URL, R4_REFLECTOR_MODEL says otherwise" in found
    assert "is no GGUF that can be read" in found
    assert "needs llama.cpp, which is not installed" in found
    assert "R4_LLM_THREADS must be from 1" in found


def test_the_demonstration_models_read_no_compact_prompts(settings: Any) -> None:
    settings.PROMPTS = "compact"
    assert "R4_PROMPTS=compact needs an LLM" in messages(ours.local_llm(None))
    settings.LLM = {"actor": settings.LLM["actor"] | {"base_url": "http://gpu:8000/v1"}}
    assert ours.local_llm(None) == []


def test_impossible_ports_and_brokers_are_named(settings: Any) -> None:
    settings.PORT = settings.ENDPOINT_PORT = 70000
    settings.REDIS_URL = "amqp://somewhere"
    said = messages(ours.addresses(None))
    assert "R4_PORT must be a port" in said
    assert "two ports" in said
    assert "REDIS_URL must begin with redis" in said


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("R4_REFINEMENTS", "ROUND_REFINEMENTS", 21),
        ("R4_DRAFTS", "ROUND_DRAFTS", 1),
        ("R4_DRAFT_TEMPERATURE", "DRAFT_TEMPERATURE", 0.0),
        ("R4_LOW_ACTIVITY", "LOW_ACTIVITY", -1),
    ],
)
def test_a_mistaken_setting_of_rounds_is_named(settings: Any, name: str, setting: str, value: float) -> None:
    setattr(settings, setting, value)
    assert f"{name} must be" in messages(ours.numbers(None))


def test_a_mistaken_gate_is_named(settings: Any) -> None:
    settings.GATES = {**settings.GATES, "gauc_margin": -0.001}
    settings.RECEIPT_END_USERS = -1
    said = messages(ours.numbers(None))
    assert "R4_GATE_GAUC_MARGIN must be 0 or more" in said
    assert "R4_RECEIPT_END_USERS must be" in said


@pytest.mark.parametrize(("name", "value"), [("POOLING", "max"), ("MAX_TOKENS", 2), ("MAX_TOKENS", -1), ("BATCH", 0)])
def test_a_mistaken_encoder_setting_is_named(settings: Any, name: str, value: object) -> None:
    assert ours.encoder(None) == []
    setattr(settings, f"ENCODER_{name}", value)
    assert f"R4_ENCODER_{name} must be" in messages(ours.encoder(None))


def test_a_misspelt_setting_is_noticed_with_a_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R4_ACTOR_MODLE", "x")
    assert "Did you mean R4_ACTOR_MODEL?" in messages(ours.misspelt(None))


def test_a_deployment_without_a_key_or_a_broker_is_warned(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.delenv("R4_SECRET_KEY", raising=False)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    said = messages(ours.production(None))
    assert "R4_SECRET_KEY is not set" in said
    assert "The broker does not answer" in said


def test_a_folder_that_others_may_look_into_is_warned(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    tmp_path.chmod(0o755)
    assert f"Other accounts may look into {tmp_path}" in messages(ours.production(None))
    tmp_path.chmod(0o700)
    assert "Other accounts" not in messages(ours.production(None))


def test_a_list_takes_commas_and_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R4_ALLOWED_HOSTS", " one.example, two.example ,,one.example\tthree.example\n")
    assert environment.names("R4_ALLOWED_HOSTS", "x") == ["one.example", "two.example", "three.example"]
    monkeypatch.setenv("R4_ALLOWED_HOSTS", " ")
    assert environment.names("R4_ALLOWED_HOSTS", "a,b") == ["a", "b"]


@pytest.mark.parametrize("host", ["https://r4web.example", "r4web.example:8000", "r4web.example/"])
def test_a_host_that_matches_nothing_is_named(settings: Any, host: str) -> None:
    assert ours.hosts(None) == []
    settings.ALLOWED_HOSTS = [host, "[::1]"]
    settings.CSRF_TRUSTED_ORIGINS = ["r4web.example", "https://r4web.example", "https://r4web.example/"]
    said = messages(ours.hosts(None))
    assert f"{host!r} is more than that" in said
    assert said.count("is none") == 2


def test_redirects_without_the_proxys_header_are_pointed_out(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, -1
    said = messages(ours.https(None))
    assert "redirected for ever" in said
    assert "R4_HSTS_SECONDS must be 0 or more" in said


@pytest.mark.parametrize(
    ("told", "header"),
    [
        ("", None),
        ("X-Forwarded-Proto", ("HTTP_X_FORWARDED_PROTO", "https")),
        ("front-end-https = on", ("HTTP_FRONT_END_HTTPS", "on")),
    ],
)
def test_the_proxys_header_is_read(monkeypatch: pytest.MonkeyPatch, told: str, header: object) -> None:
    monkeypatch.setenv("R4_PROXY_HEADER", told)
    assert environment.header("R4_PROXY_HEADER") == header


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABASE_URL", "mysql://me:secret-word@there/it", "must begin with sqlite:/// or postgresql://"),
        ("DATABASE_URL", "postgresql://me:secret-word@there:port/it", "is its port a number"),
        ("R4_LOG_LEVEL", "loud", "must be INFO or DEBUG"),
    ],
)
def test_a_setting_that_cannot_be_read_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=said) as error:
        environment.database(name, "") if name == "DATABASE_URL" else environment.choice(name, ("INFO", "DEBUG"))
    assert "secret-word" not in str(error.value)


@pytest.mark.once
def test_behind_a_proxy_with_tls_the_deployment_check_has_nothing_to_say(
    manage: Callable[..., subprocess.CompletedProcess[str]], broker: str
) -> None:
    """With the settings that docs/operations.md shows."""
    section = (ROOT / "docs" / "operations.md").read_text().partition("## Behind a proxy with TLS")[2]
    shown = dict(re.findall(r"^(R4_\w+)=(\S+)", section.partition("```sh")[2].partition("```")[0], re.MULTILINE))
    done = manage("check", "--deploy", "--fail-level", "WARNING", **shown, R4_SECRET_KEY=secrets.token_hex(32))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "no issues" in done.stdout


@pytest.mark.once
def test_a_command_on_a_database_without_tables_says_how_to_make_them(
    manage: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = manage("score_lists", "films", R4_VAR=str(tmp_path), DATABASE_URL="")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "The database lacks tables: `make run` makes them, and so does `python manage.py migrate`."
    ]


def test_what_was_asked_over_http_is_sent_to_https(settings: Any, client: Client) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 3600
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    redirected = client.get("/sign-in/")
    assert (redirected.status_code, redirected["Location"]) == (301, "https://testserver/sign-in/")
    assert client.get("/healthz/live").status_code == 200
    answered = client.get("/sign-in/", headers={"X-Forwarded-Proto": "https"})
    assert (answered.status_code, answered["Strict-Transport-Security"]) == (200, "max-age=3600")
