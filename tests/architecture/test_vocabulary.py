"""The glossary is the only vocabulary: its *not* columns stay out of code, pages and documents.

A word of one part is looked for in names (snake_case and CamelCase are taken apart) and in prose. Everyday words of the
retired list (`because`, `ground`) count as names only.
"""

import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.architecture import repository
from tests.architecture.repository import ROOT

NAMES_ONLY = {"because", "bench", "denied", "doubt", "ground", "listing", "spoke", "surprise", "trial", "trusted"}
OF_OTHERS = {"CSRF_TRUSTED_ORIGINS", "PermissionDenied", '"customer service"'}  # Django's names; a MovieLens occupation
# The glossary itself, what is dated, what is not ours, and the one table of stored keys.
EXEMPT = {"docs/glossary.md", "CHANGELOG.md", "tests/architecture/test_vocabulary.py"}
# Keys that rows and artifacts of earlier releases have.
ALIASES = {"recommender/recipe.py", "recommender/signals/earlier_formats.py"}
HISTORIC = ("docs/decisions/", "docs/experiments", "tests/data/", "LICENSE")
PROSE = (".md", ".html", ".js", ".css")


def forbidden() -> list[str]:
    """The words of every table's *not* column."""
    words: list[str] = []
    column = None
    for line in (ROOT / "docs" / "glossary.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if "not" in cells:
            column = cells.index("not")
        elif column is not None and line.startswith("|") and not line.startswith("| ---"):
            words += [word.strip() for word in cells[column].split(",") if word.strip()]
    return words


@cache
def parts(name: str) -> str:
    """A name's words, lower case, with blanks between them: `stand_in` and `StandIn` are " stand in "."""
    return " " + " ".join(re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)).lower() + " "


def names_and_prose(path: Path, text: str) -> Iterator[tuple[str, str]]:
    """("name" or "prose", text) of a file."""
    yield "name", path.stem
    if path.suffix != ".py":
        yield "prose", text
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
            yield "name", token.string
        elif token.type in (
            tokenize.COMMENT,
            tokenize.STRING,
            tokenize.FSTRING_MIDDLE if hasattr(tokenize, "FSTRING_MIDDLE") else -1,
        ):
            yield "prose", token.string


@cache
def told() -> list[tuple[Path, str, str]]:
    """Every name and every piece of prose once a file, with its file: read once for all words."""
    files = {
        path: text
        for path, text in repository.texts(".py", *PROSE).items()
        if path.as_posix() not in EXEMPT | ALIASES
        and not path.as_posix().startswith(HISTORIC)
        and not {"migrations", "vendor"} & set(path.parts)
    }
    return [
        (path, kind, content)
        for path, text in files.items()
        for kind, content in sorted(set(names_and_prose(path, text)))
        if content not in OF_OTHERS
    ]


def uses(word: str) -> list[str]:
    said = re.compile(rf"\b{re.escape(word.replace('_', ' '))}s?\b", re.IGNORECASE)
    inside = parts(word.replace(" ", "_"))
    found = []
    for path, kind, content in told():
        if kind == "name" and inside in parts(content):
            found.append(f"{path}: {content}")
        elif kind == "prose" and word not in NAMES_ONLY and (hit := said.search(content)):
            found.append(f"{path}: {content[max(0, hit.start() - 30) : hit.end() + 30]!r}")
    return found


@pytest.mark.parametrize("word", forbidden())
def test_a_word_that_the_glossary_refuses_is_used_nowhere(word: str) -> None:
    assert uses(word) == []


def test_the_glossary_refuses_words() -> None:
    assert {"tenant", "reviewer", "shelf", "in charge"} <= set(forbidden())


def test_names_are_taken_apart() -> None:
    assert parts("stand_in") == parts("StandIn") == " stand in "
    assert " shelf " in parts("shelf_of")
    assert " shelf " not in parts("bookshelfs")
