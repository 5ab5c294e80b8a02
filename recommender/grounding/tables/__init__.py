"""How people write things, one expression a line; files that anybody may add a line to."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@cache
def lines(name: str) -> tuple[str, ...]:
    """A table's lines, without empty ones and remarks."""
    text = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith(";"))


@cache
def words(name: str) -> frozenset[str]:
    return frozenset(word for line in lines(name) for word in line.split())


@cache
def sections(name: str) -> dict[str, tuple[str, ...]]:
    """The lines below each headline `# name`."""
    found: dict[str, list[str]] = {}
    head = ""
    for line in lines(name):
        if line.startswith("#"):
            head = line[1:].strip()
        else:
            found.setdefault(head, []).append(line)
    return {key: tuple(value) for key, value in found.items()}
