"""Which knowledge encoder to use, and what its vectors are kept under. Without torch: pages read keys."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from django.conf import settings

MINILM = "minilm"  # all-MiniLM-L6-v2, inside its own Python package
E5_SMALL = "e5-small"  # multilingual-e5-small, inside the wheel of an extra: recommender.knowledge.e5
IN_PACKAGES = (MINILM, E5_SMALL)
MEAN, CLS = "mean", "cls"
POOLINGS = (MEAN, CLS)
HUB_NAMES = {
    "bge-m3": "BAAI/bge-m3",
    "longformer": "allenai/longformer-base-4096",
    "bert": "google-bert/bert-base-uncased",
}
POOLING_FILE = Path("1_Pooling", "config.json")  # where sentence-transformers says how a model is pooled


@dataclass(frozen=True, slots=True)
class EncoderChoice:
    """An encoder by name, and how texts go through it."""

    name: str  # minilm, e5-small, a short name, a local folder, or a hub name
    pooling: str = ""  # of POOLINGS; empty: the encoder's own
    longest: int = 0  # tokens of a text; 0: as many as the model can read
    batch: int = 32  # texts at a time

    @classmethod
    def named(cls, name: str) -> Self:
        """`name` with the other R4_ENCODER_ settings."""
        return cls(name, settings.ENCODER_POOLING, settings.ENCODER_MAX_TOKENS, settings.ENCODER_BATCH)

    @property
    def source(self) -> str:
        """A hub name, or what is a folder where there is one. What is in a package is its own source."""
        return HUB_NAMES.get(self.name, self.name)

    @property
    def folder(self) -> Path | None:
        folder = Path(self.source).expanduser()
        return folder if self.name not in IN_PACKAGES and folder.is_dir() else None

    @property
    def pools(self) -> str:
        return self.pooling or self._own_pooling()

    def key(self) -> str:
        """What its vectors are kept under, at most 120 characters: the name, for a folder its last part and a hash of
        its files, then whatever of pooling and length is not the encoder's own. The batch changes nothing in a vector.
        """
        parts = [self.source[:90] if self.folder is None else _hashed(self.folder)]
        if self.pools != self._own_pooling():
            parts.append(self.pools)
        if self.longest:
            parts.append(f"{self.longest} tokens")
        return " ".join(parts)

    def _own_pooling(self) -> str:
        """BGE was trained with the first token's state, most others with the mean; a folder may say it itself."""
        if self.folder is not None and (self.folder / POOLING_FILE).is_file():
            said = json.loads((self.folder / POOLING_FILE).read_text())
            return CLS if said.get("pooling_mode_cls_token") else MEAN
        return CLS if self.source.startswith("BAAI/bge-") else MEAN


def _hashed(folder: Path) -> str:
    digest = hashlib.sha256()
    pooling = folder / POOLING_FILE
    files = [path for path in sorted(folder.iterdir()) if path.is_file()] + [pooling] * pooling.is_file()
    for path in files:
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return f"{folder.resolve().name[:80]}@{digest.hexdigest()[:16]}"
