"""Prompt files: sections of text with named places, known by their content hash.

A file holds sections headed `[[system]]`, `[[user]]`, `[[answer:tags]]`…; a place is written `{{name}}`. A wording that
has been used is never edited: a new one is a new file with the next version.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
_HEADING = re.compile(r"^\[\[([a-z:]+)\]\]\n", re.MULTILINE)
_PLACE = re.compile(r"\{\{([a-z_]+)\}\}")


class TemplateError(ValueError):
    """A template was asked for with the wrong values, or its file is not in the expected form."""


@dataclass(frozen=True, slots=True)
class Template:
    """One prompt file. `name` is like "end_user/reason/v1"; `hash` is the SHA-256 of the file's bytes."""

    name: str
    hash: str
    sections: dict[str, str]

    def variables(self, *sections: str) -> frozenset[str]:
        return frozenset(name for section in sections for name in _PLACE.findall(self.sections.get(section, "")))

    def render(self, *sections: str, **values: str) -> tuple[str, ...]:
        """Fill in the sections. Every value they name must be given, and nothing they do not name.

        Values are filled in once: a place inside a value stays as it is.
        """
        unknown = [section for section in sections if section not in self.sections]
        if unknown:
            raise TemplateError(f"{self.name} has no section {', '.join(unknown)}")
        variables = self.variables(*sections)
        for problem, names in (("lacks", variables - values.keys()), ("does not use", values.keys() - variables)):
            if names:
                raise TemplateError(f"{self.name} {problem} {', '.join(sorted(names))}")
        return tuple(_PLACE.sub(lambda place: values[place[1]], self.sections[section]) for section in sections)


@cache
def load(path: str, version: int, folder: Path = FOLDER) -> Template:
    """Read one prompt file, such as `load("end_user/reason", 1)`."""
    name = f"{path}/v{version}"
    content = (folder / f"{path}.v{version}.txt").read_bytes()
    lead, *parts = _HEADING.split(content.decode())
    if lead.strip() or not parts:
        raise TemplateError(f"{name} must start with a section heading")
    sections = {heading: text.strip() for heading, text in zip(parts[::2], parts[1::2], strict=True)}
    return Template(name, hashlib.sha256(content).hexdigest(), sections)
