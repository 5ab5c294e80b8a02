"""A tuned model in this process: its experts fused exactly for each end user, its vectors in their places.

A place of a prompt is a token beyond the tokenizer's own, one for each vector, so that what prompts share is found and
computed once as without places. Yes and No are the tokens that were tuned.
"""

from contextlib import AbstractContextManager
from typing import Any

import torch

from recommender.llm.types import Prompt
from recommender.thinkrec.experts.fusion import AdapterError, Fusion, read
from recommender.thinkrec.prompts import OPINION, PLACE
from recommender.thinkrec.scoring.scored import Scales
from recommender.thinkrec.scoring.scorer import AnswerTokens, LocalScorer, Tokens, encode, text_of
from recommender.thinkrec.scoring.tuned import CannotScoreError, Tuned
from recommender.thinkrec.tuning.projector import Projector
from recommender.tuning.base import load_tokenizer, load_weights, with_exact_head


class FusedScorer(LocalScorer):
    """A base with adapters, and what writes vectors into prompts where `tuned` has a projector."""

    def __init__(self, model: Any, tokenizer: Any, tuned: Tuned, *, share: bool = True) -> None:
        self._own = model.get_input_embeddings().weight.shape[0]  # tokens; further ones are rows of vectors
        self._vectors = _projected(model, tuned) if tuned.projector else None
        shared, *experts = (read(tuned.folder / folder) for _, folder in tuned.adapters)
        self._fusion = Fusion(model, shared, experts)
        answers = (tokenizer(OPINION[liked], add_special_tokens=False)["input_ids"][0] for liked in (True, False))
        yes, no = ((token,) for token in answers)
        added = self._fusion.parameters + (
            Projector.load(tuned.folder / tuned.projector).size if tuned.projector else 0
        )
        super().__init__(model, tokenizer, name=tuned.name, share=share, answers=AnswerTokens(yes, no), added=added)

    def encoded(self, prompt: Prompt) -> Tokens:
        """The prompt's tokens; each place is one of its own, as the tuning had it."""
        tokens: Tokens = []
        for number, piece in enumerate(text_of(self._tokenizer, prompt).split(PLACE)):
            tokens += [self._own + int(piece)] if number % 2 else encode(self._tokenizer, piece)
        return tokens

    def _acting(self, scales: Scales) -> AbstractContextManager[Any]:
        return self._fusion.rows([scales])

    def _row(self, tokens: Tokens) -> dict[str, torch.Tensor]:
        ids = torch.tensor([tokens], device=self._device)
        places = ids >= self._own
        if self._vectors is None or not places.any():
            return {"input_ids": ids}
        embedded = self._model.get_input_embeddings()(ids.masked_fill(places, 0))
        embedded[places] = self._vectors[ids[places] - self._own]
        return {"inputs_embeds": embedded}


@torch.inference_mode()
def _projected(model: Any, tuned: Tuned) -> torch.Tensor:
    """(u + v, hidden) the tokens of all vectors."""
    weight = model.get_input_embeddings().weight
    projector = Projector.load(tuned.folder / tuned.projector).eval().to(weight.device)
    tokens: torch.Tensor = projector(torch.from_numpy(tuned.matrix).to(weight.device))
    return tokens.to(weight.dtype)


def load(tuned: Tuned, *, threads: int = 1) -> FusedScorer:
    """Base, adapters and projector of a tuned run. Raises CannotTuneError for a base that cannot be loaded, and
    CannotScoreError where they do not go together."""
    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = load_tokenizer(tuned.base)
    try:
        return FusedScorer(with_exact_head(load_weights(tuned.base, device)), tokenizer, tuned)
    except (AdapterError, RuntimeError, OSError, ValueError) as error:  # removed, or changed, since they were checked
        raise CannotScoreError(f"What {tuned.run} tuned does not go with its base {tuned.base}. {error}") from error
