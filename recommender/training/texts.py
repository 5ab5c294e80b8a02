"""Knowledge texts from a file instead of the database: JSON lines with `item_id` and `text`, plain or gzipped."""

import gzip
import hashlib
import json
from pathlib import Path

from recommender.models import SubjectKind
from recommender.training.data import Interactions
from recommender.training.errors import CannotTrainError
from recommender.training.knowledge import KnowledgeRows, Text

BEFORE_ALL = -(2**62)  # a moment before any interaction: such texts are taken as known from the start


def read(path: Path, interactions: Interactions) -> KnowledgeRows:
    """The texts about items of the catalog; the file may have others. Of two about one item the later line counts.

    Raises CannotTrainError, naming the line, when the file cannot be read, and when no item is the catalog's.
    """
    numbers = {name: number for number, name in enumerate(interactions.items)}
    found: dict[int, Text] = {}
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for line, row in enumerate(file, start=1):
                if not row.strip():
                    continue
                item, text = _said(row, where=f"Line {line} of the knowledge file {path}")
                if item in numbers and text:
                    text_hash = hashlib.sha256(text.encode()).hexdigest()
                    found[numbers[item]] = Text(SubjectKind.ITEM, numbers[item], BEFORE_ALL, text_hash, text)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise CannotTrainError(f"The knowledge file {path} cannot be read. {error}") from error
    if not found:
        raise CannotTrainError(f"No item_id in the knowledge file {path} is an item of this catalog.")
    return KnowledgeRows([found[number] for number in sorted(found)])


def _said(row: str, *, where: str) -> tuple[str, str]:
    try:
        said = json.loads(row)
        return str(said["item_id"]), str(said["text"]).strip()
    except (ValueError, KeyError, TypeError) as error:
        raise CannotTrainError(f'{where} is not {{"item_id": …, "text": …}} as JSON.') from error
