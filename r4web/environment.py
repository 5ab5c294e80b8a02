"""Read settings from the environment; every mistake is one clear sentence."""

import os
import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
DATABASES = ("sqlite", "postgres", "postgresql", "pgsql")
POSTGRESQL = "r4web.postgresql"  # Django's backend, but for how it asks whether a connection still lives
asked: set[str] = set()  # names of all settings that were read: r4web.checks warns about misspelt ones


def text(name: str, default: str = "") -> str:
    asked.add(name)
    return os.environ.get(name, "").strip() or default


def names(name: str, default: str = "") -> list[str]:
    """What stands between commas or spaces, in its order; nothing twice, nothing empty."""
    return list(dict.fromkeys(filter(None, re.split(r"[\s,]+", text(name, default)))))


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Addresses and networks, as 10.1.2.3 and 10.1.0.0/16, with commas or spaces."""

    def parse(raw: str) -> list[IPv4Network | IPv6Network]:
        return [ip_network(each) for each in filter(None, re.split(r"[\s,]+", raw))]

    return _parsed(name, [], parse, "addresses or networks such as 10.1.0.0/16, with commas or spaces")


def given(name: str) -> bool:
    """Whether a setting was told at all, to be switched off included."""
    return bool(text(name))


def header(name: str) -> tuple[str, str] | None:
    """A request header of a proxy and the value that means HTTPS, as Django takes it; None where none is named."""
    sent, _, value = text(name).partition("=")
    return (f"HTTP_{sent.strip().upper().replace('-', '_')}", value.strip() or "https") if sent.strip() else None


def choice(name: str, choices: tuple[str, ...]) -> str:
    """One of `choices`, by default the first, whatever its case."""
    value = text(name, choices[0]).upper()
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be {' or '.join(choices)}; it is {value!r}.")
    return value


def database(name: str, default: str) -> dict[str, Any]:
    """Django's settings of the database at an address, which is not shown where it is wrong: it may hold a password."""
    address = text(name, default)
    if address.partition("://")[0] not in DATABASES:
        raise ImproperlyConfigured(
            f"{name} must begin with sqlite:/// or postgresql://, as postgresql://user:password@host:5432/name."
        )
    engine = None if address.startswith("sqlite") else POSTGRESQL
    try:
        return dict(dj_database_url.parse(address, engine=engine, conn_max_age=60, conn_health_checks=True))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: is its port a number?") from error


def replica(name: str, *, of: dict[str, Any]) -> dict[str, Any]:
    """Of a copy that follows the database of these settings, which only it writes."""
    made = database(name, "")
    if made["ENGINE"] != of["ENGINE"]:
        raise ImproperlyConfigured(f"{name} must name a copy of what DATABASE_URL names, so begin as that does.")
    if made["ENGINE"] == "django.db.backends.sqlite3":
        options = {"timeout": 5, "init_command": "PRAGMA query_only=ON"}
    else:  # it is a help, so nobody waits long for it
        options = {"connect_timeout": 2, "options": "-c default_transaction_read_only=on"}
    return made | {"OPTIONS": made.get("OPTIONS", {}) | options, "TEST": {"MIRROR": "default"}}


def _parsed(name: str, default: T, parse: Callable[[str], T], expected: str) -> T:
    raw = text(name)
    if not raw:
        return default
    try:
        return parse(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be {expected}; it is {raw!r}.") from error


def integer(name: str, default: int) -> int:
    return _parsed(name, default, int, "a whole number")


def number(name: str, default: float) -> float:
    return _parsed(name, default, float, "a number")


def number_or_nothing(name: str, default: float) -> float | None:
    """None where the setting is given and empty."""
    return None if _is_empty(name) else number(name, default)


def integer_or_nothing(name: str, default: int) -> int | None:
    """None where the setting is given and empty."""
    return None if _is_empty(name) else integer(name, default)


def _is_empty(name: str) -> bool:
    asked.add(name)
    return os.environ.get(name, "something").strip() == ""


def flag(name: str, default: bool) -> bool:
    def parse(raw: str) -> bool:
        if raw.lower() in {"1", "true", "yes", "on"}:
            return True
        if raw.lower() in {"0", "false", "no", "off"}:
            return False
        raise ValueError(raw)

    return _parsed(name, default, parse, "1 or 0")


def folder(name: str, default: Path) -> Path:
    raw = text(name)
    return Path(raw).expanduser().resolve() if raw else default
