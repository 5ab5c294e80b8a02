"""Knowledge texts from a file instead of the database, as `export_knowledge` writes them; plain or gzipped JSON lines.

Each line has `text`, and `item_id` or `user_id`. Optional: `as_of`, the moment before which it is not known (without:
known from the start); `shown`, pairs of a user_id and an item_id that the text was made from; `further`, the texts of
other kept drafts.
"""

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from recommender.dataset.interactions import Interactions
from recommender.dataset.texts import KnowledgeRows, Text
from recommender.models import SubjectKind
from recommender.runs.errors import CannotTrainError

BEFORE_ALL = -(2**62)  # a moment before any interaction: such texts are taken as known from the start


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it stands in the file. Raises ValueError or TypeError where it is not one."""

    kind: SubjectKind
    name: str
    texts: tuple[str, ...]
    as_of: int
    shown: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, row: str) -> Self:
        said: dict[str, Any] = json.loads(row)
        if not isinstance(said, dict):
            raise TypeError("it is no object")
        if missing := [names for names in (("item_id", "user_id"), ("text",)) if not said.keys() & set(names)]:
            raise ValueError(f"it has no {' or '.join(missing[0])}")
        kind = SubjectKind.ITEM if "item_id" in said else SubjectKind.END_USER
        further = said.get("further", [])
        if not isinstance(further, list):
            raise TypeError("further is no list")
        if not all(isinstance(one, str) for one in (said["text"], *further)):
            raise TypeError("text, or one of further, is no string")
        as_of = said.get("as_of", BEFORE_ALL)
        if isinstance(as_of, bool) or not isinstance(as_of, int):
            raise TypeError("as_of is no whole number")
        return cls(
            kind=kind,
            name=str(said["item_id"] if kind == SubjectKind.ITEM else said["user_id"]),
            texts=tuple(text for one in (said["text"], *further) if (text := one.strip())),
            as_of=as_of,
            shown=tuple((str(end_user), str(item)) for end_user, item in said.get("shown", ())),
        )


def read_text_file(path: Path, interactions: Interactions) -> KnowledgeRows:
    """The texts about the catalog's subjects; the file may have others. Of two of one moment the later line counts.

    Raises CannotTrainError, naming the line, when the file cannot be read, and when no subject is the catalog's.
    """
    numbers = {
        SubjectKind.ITEM: {name: number for number, name in enumerate(interactions.items)},
        SubjectKind.END_USER: {name: number for number, name in enumerate(interactions.end_users)},
    }
    found: dict[tuple[SubjectKind, int, int], Line] = {}
    empty = True
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, row in enumerate(file, start=1):
                if not row.strip():
                    continue
                line = _line(row, where=f"Line {number} of the knowledge file {path}")
                empty &= not line.texts
                subject = numbers[line.kind].get(line.name)
                if subject is not None and line.texts:
                    found[line.kind, subject, line.as_of] = line
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise CannotTrainError(f"The knowledge file {path} cannot be read. {error}") from error
    if empty:
        raise CannotTrainError(f"There is no text in the knowledge file {path}.")
    if not found:
        raise CannotTrainError(f"No item_id or user_id in the knowledge file {path} is one of this catalog.")
    shown = _Shown(interactions, numbers)
    texts = []
    for (kind, subject, as_of), line in sorted(found.items()):
        (text_hash, text), *further = ((hashlib.sha256(one.encode()).hexdigest(), one) for one in line.texts)
        texts.append(Text(kind, subject, as_of, text_hash, text, shown.keys(line.shown), tuple(further)))
    return KnowledgeRows(texts)


def _line(row: str, *, where: str) -> Line:
    try:
        return Line.of(row)
    except (ValueError, TypeError) as error:
        raise CannotTrainError(
            f'{where} is not {{"item_id": …, "text": …}} or {{"user_id": …, "text": …}} as JSON: {error}.'
        ) from error


class _Shown:
    """Finds the interactions of an end user with an item."""

    def __init__(self, interactions: Interactions, numbers: dict[SubjectKind, dict[str, int]]) -> None:
        pairs = interactions.end_user.astype(np.int64) * len(interactions.items) + interactions.item
        order = np.argsort(pairs, kind="stable")
        self.pairs, self.interaction_keys = pairs[order], interactions.keys[order]
        self.numbers, self.width = numbers, len(interactions.items)

    def keys(self, shown: Iterable[tuple[str, str]]) -> frozenset[int]:
        """Primary keys of all interactions of these pairs of external ids; unknown ids have none."""
        found: set[int] = set()
        for end_user, item in shown:
            whose = self.numbers[SubjectKind.END_USER].get(end_user)
            what = self.numbers[SubjectKind.ITEM].get(item)
            if whose is not None and what is not None:
                pair = whose * self.width + what
                found.update(self.interaction_keys[slice(*np.searchsorted(self.pairs, [pair, pair + 1]))].tolist())
        return frozenset(found)
