"""Mistakes in settings, said by `manage.py check` before they hurt. `--deploy` also asks whether the broker answers."""

import difflib
import os
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from r4web import environment
from recommender import private_files
from recommender.knowledge.encoder_choice import POOLINGS
from recommender.llm import adapters, gguf_header, weights
from recommender.llm.secrets import without_userinfo
from worker import llama
from worker.supervisor import ready

STRUCTURED = ("auto", "json_schema", "tags")
BROKER_SCHEMES = ("redis", "rediss", "redis+socket")
MOST_THREADS = 256
LOOPBACK = ("127.0.0.1", "::1", "localhost")
READ_ELSEWHERE = {"R4_TORCH_INDEX", "R4_CHROMIUM", "PROMETHEUS_MULTIPROC_DIR"}  # by scripts, tests and a library


@register("r4web")
def endpoints(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [problem for role in settings.LLM for problem in _endpoint(role, settings.LLM[role])]


@register("r4web")
def local_llm(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """The model that R4_LLM names must be here, be readable, and be the only thing said about actor and reflector."""
    if not settings.LOCAL_LLM:
        embedded = any(role["base_url"] == settings.EMBEDDED_ENDPOINT_URL for role in settings.LLM.values())
        if settings.PROMPTS == "compact" and embedded:
            said = "R4_PROMPTS=compact needs an LLM: the demonstration models read the full prompts only."
            return [Error(said, hint="Name an LLM, for example R4_LLM=smollm2.", id="r4web.E014")]
        return []
    found: list[CheckMessage] = []
    told = [f"R4_{role}_{what}" for role in ("ACTOR", "REFLECTOR") for what in ("BASE_URL", "MODEL")]
    if given := [name for name in told if environment.given(name) and not adapters.is_adapter(environment.text(name))]:
        said = f"R4_LLM serves actor and reflector on this machine, and {', '.join(given)} says otherwise."
        hint = "Leave out one of them; beside R4_LLM a role's model may be an adapter that was tuned here, by its name."
        found.append(Error(said, hint=hint, id="r4web.E012"))
    try:
        gguf_header.read(weights.gguf_of(settings.LOCAL_LLM))
    except weights.NoWeightsError as error:
        found.append(Error(f"R4_LLM: {error}", id="r4web.E013"))
    if not llama.installed():
        hint = "`make run LLM=…` installs it, and so does `scripts/bootstrap ml llm`."
        found.append(Error("R4_LLM needs llama.cpp, which is not installed.", hint=hint, id="r4web.E013"))
    if not 1 <= settings.LOCAL_LLM_THREADS <= MOST_THREADS:
        found.append(Error(f"R4_LLM_THREADS must be from 1 to {MOST_THREADS}.", id="r4web.E013"))
    return found


@register("r4web")
def candidates(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """A list goes on for so many items, page by page."""
    from recommender.serving.recommend import DEPTH  # noqa: PLC0415 - tables: this module is read before they are

    if settings.CANDIDATES >= DEPTH:
        return []
    return [Error(f"R4_CANDIDATES must be at least {DEPTH}, as long as a list may be.", id="r4web.E015")]


@register("r4web")
def openid(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """What the provider says of people must not be read or changed on its way."""
    given = {name: getattr(settings, name) for name in ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")}
    if not any(given.values()):
        return []
    if missing := [f"R4_{name}" for name, value in given.items() if not value]:
        return [Error(f"The settings R4_OIDC_… belong together: {', '.join(missing)} not given.", id="r4web.E011")]
    url = urlsplit(settings.OIDC_ISSUER)
    is_safe = url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK)
    if is_safe and url.netloc and "@" not in url.netloc:
        return []
    return [Error("R4_OIDC_ISSUER must be an https address, without a name and password.", id="r4web.E010")]


def _endpoint(role: str, values: dict[str, Any]) -> list[CheckMessage]:
    prefix = f"R4_{role.upper()}_"
    url = urlsplit(str(values["base_url"]))
    rules = (
        ("BASE_URL", url.scheme in ("http", "https") and bool(url.netloc), "an http or https address ending in /v1"),
        ("BASE_URL", "@" not in url.netloc, f"without a name and password, which logs would show: use {prefix}API_KEY"),
        ("STRUCTURED", values["structured"] in STRUCTURED, " or ".join(STRUCTURED)),
        ("TEMPERATURE", _unless_empty(values["temperature"], lambda it: 0 <= it <= 2), "from 0 to 2"),
        ("TOP_P", _unless_empty(values["top_p"], lambda it: 0 < it <= 1), "above 0 and at most 1"),
        ("MAX_TOKENS", _unless_empty(values["max_tokens"], lambda it: it >= 1), "at least 1"),
        ("TIMEOUT", values["timeout"] > 0, "above 0 seconds"),
        ("CONCURRENCY", values["concurrency"] >= 1, "at least 1"),
        ("PRICE_READ", values["price_read"] >= 0, "0 or more"),
        ("PRICE_WRITTEN", values["price_written"] >= 0, "0 or more"),
    )
    return [
        Error(f"{prefix}{name} must be {expected}; it is {_shown(values[name.lower()])}.", id="r4web.E001")
        for name, holds, expected in rules
        if not holds
    ]


def _unless_empty(value: float | None, holds: Callable[[float], bool]) -> bool:
    return value is None or holds(value)


def _shown(value: object) -> str:
    return without_userinfo(repr(value))


@register("r4web")
def addresses(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = [
        Error(f"{name} must be a port from 1 to 65535; it is {port}.", id="r4web.E002")
        for name, port in (("R4_PORT", settings.PORT), ("R4_ENDPOINT_PORT", settings.ENDPOINT_PORT))
        if not 1 <= port <= 65535
    ]
    if settings.PORT == settings.ENDPOINT_PORT:
        found.append(Error("R4_PORT and R4_ENDPOINT_PORT must be two ports.", id="r4web.E003"))
    if urlsplit(settings.REDIS_URL).scheme not in BROKER_SCHEMES:
        found.append(Error(f"REDIS_URL must begin with {', '.join(BROKER_SCHEMES)}.", id="r4web.E004"))
    return found


@register("r4web")
def hosts(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """A host with a scheme, a port or a path never matches: every request would be refused."""
    found: list[CheckMessage] = [
        Error(
            f"R4_ALLOWED_HOSTS must name hosts alone, as r4web.example.org; {host!r} is more than that.",
            id="r4web.E007",
        )
        for host in settings.ALLOWED_HOSTS
        if "/" in host or (":" in host and not host.startswith("["))
    ]
    found += [
        Error(
            f"R4_TRUSTED_ORIGINS must name origins alone, as https://r4web.example.org; {origin!r} is none.",
            id="r4web.E008",
        )
        for origin in settings.CSRF_TRUSTED_ORIGINS
        if not re.fullmatch(r"https?://[^/\s]+", origin)
    ]
    return found


@register("r4web")
def https(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.SECURE_HSTS_SECONDS < 0:
        found.append(
            Error(f"R4_HSTS_SECONDS must be 0 or more; it is {settings.SECURE_HSTS_SECONDS}.", id="r4web.E009")
        )
    if settings.SECURE_SSL_REDIRECT and not settings.SECURE_PROXY_SSL_HEADER:
        found.append(
            checks.Warning(
                "R4_HTTPS_REDIRECT is on without R4_PROXY_HEADER: behind a proxy every request looks like HTTP "
                "and is redirected for ever.",
                hint="Name the header by which the proxy tells HTTPS: R4_PROXY_HEADER=X-Forwarded-Proto.",
                id="r4web.W005",
            )
        )
    return found


@register("r4web")
def numbers(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    drafts, temperature, least = settings.ROUND_DRAFTS, settings.DRAFT_TEMPERATURE, settings.LOW_ACTIVITY
    rules = (
        ("REFINEMENTS", settings.ROUND_REFINEMENTS, 0 <= settings.ROUND_REFINEMENTS <= 20, "from 0 to 20"),
        ("DRAFTS", drafts, 2 <= drafts <= 20, "from 2 to 20"),
        ("DRAFT_TEMPERATURE", temperature, 0 < temperature <= 2, "above 0 and at most 2, so that drafts differ"),
        ("FIRST_ROUNDS", settings.FIRST_ROUNDS, settings.FIRST_ROUNDS >= 1, "at least 1"),
        ("LOW_ACTIVITY", least, least >= 0, "0 or more interactions"),
        ("API_PER_MINUTE", settings.API_PER_MINUTE, settings.API_PER_MINUTE >= 0, "0 or more requests"),
        *(
            (f"GATE_{name.upper()}", value, value >= 0, "0 or more")
            for name, value in (*settings.GATES.items(), ("end_users", settings.GATE_END_USERS))
        ),
        ("PROXIES", settings.PROXIES, settings.PROXIES >= 0, "0 or more"),
        ("SESSION_IDLE", settings.SESSION_IDLE // 60, settings.SESSION_IDLE >= 0, "0 or more minutes"),
        ("SIGN_IN_TRIES", settings.SIGN_IN_TRIES, settings.SIGN_IN_TRIES >= 1, "at least 1"),
        ("SIGN_IN_WAIT", settings.SIGN_IN_WAIT, settings.SIGN_IN_WAIT >= 1, "at least 1 second"),
        ("PARALLEL_HASHES", settings.PARALLEL_HASHES, settings.PARALLEL_HASHES >= 1, "at least 1"),
        ("AUDIT_DAYS", settings.AUDIT_DAYS, settings.AUDIT_DAYS >= 0, "0 or more"),
        ("AUDIT_SIGN_IN_DAYS", settings.AUDIT_SIGN_IN_DAYS, settings.AUDIT_SIGN_IN_DAYS >= 0, "0 or more"),
        ("RECEIPT_END_USERS", settings.RECEIPT_END_USERS, settings.RECEIPT_END_USERS >= 0, "0 or more"),
    )
    return [
        Error(f"R4_{name} must be {expected}; it is {value!r}.", id="r4web.E005")
        for name, value, holds, expected in rules
        if not holds
    ]


@register("r4web")
def encoder(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    pooling, longest, batch = settings.ENCODER_POOLING, settings.ENCODER_MAX_TOKENS, settings.ENCODER_BATCH
    rules = (
        ("POOLING", pooling, pooling in ("", *POOLINGS), f"{' or '.join(POOLINGS)}, or empty for the encoder's own"),
        ("MAX_TOKENS", longest, longest == 0 or longest >= 8, "at least 8, or 0 for as many as the encoder reads"),
        ("BATCH", batch, batch >= 1, "at least 1"),
    )
    return [
        Error(f"R4_ENCODER_{name} must be {expected}; it is {value!r}.", id="r4web.E006")
        for name, value, holds, expected in rules
        if not holds
    ]


@register("r4web")
def misspelt(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """A setting that nobody reads is most often a misspelt one."""
    known = environment.asked | READ_ELSEWHERE
    found: list[CheckMessage] = []
    for name in sorted(os.environ):
        if name.startswith("R4_") and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]}?" if close else "See docs/settings.md."
            found.append(checks.Warning(f"{name} is set, but there is no such setting.", hint=hint, id="r4web.W001"))
    return found


@register(Tags.security, deploy=True)
def production(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not environment.text("R4_SECRET_KEY"):
        found.append(
            checks.Warning(
                "R4_SECRET_KEY is not set: the key in the var folder serves this machine only.",
                hint="Processes on several machines need the same one, or sign-ins break.",
                id="r4web.W002",
            )
        )
    if private_files.is_open(settings.VAR_DIR):
        found.append(
            checks.Warning(
                f"Other accounts may look into {settings.VAR_DIR}, which holds keys and people's data.",
                hint="Let the account that runs R4Web own it: chown it, and chmod 700.",
                id="r4web.W004",
            )
        )
    if not ready.broker_answers():
        found.append(
            checks.Warning(
                "The broker does not answer: rounds and training runs would wait.",
                hint="Start Redis or Valkey and name it in REDIS_URL; `make run` starts an embedded one.",
                id="r4web.W003",
            )
        )
    return found
