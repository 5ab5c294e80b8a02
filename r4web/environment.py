"""Read settings from the environment; every mistake is one clear sentence."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
asked: set[str] = set()  # names of all settings that were read: r4web.checks warns about misspelt ones


def text(name: str, default: str = "") -> str:
    asked.add(name)
    return os.environ.get(name, "").strip() or default


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
