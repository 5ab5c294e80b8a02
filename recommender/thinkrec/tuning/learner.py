"""A language model that answers Yes or No: batches of rows forward, their scores and losses.

Prompts end, and answers begin, at one column for all rows of a batch, so that logits are computed of answers only.
"""

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor

from recommender.thinkrec.tuning.config import MODULES_OF, ThinkrecConfig
from recommender.thinkrec.tuning.encoding import Encoded, Encoder
from recommender.thinkrec.tuning.objective import IGNORED, Losses, losses, weights, yes_logits
from recommender.thinkrec.tuning.projector import Placed

Alive = Callable[[], None]
SCORED_AT_ONCE = 8  # rows; more only takes memory


class Learner:
    """`model`: a PEFT model. `placed`: what writes collaborative vectors into prompts; None: text alone."""

    def __init__(self, model: Any, encoder: Encoder, config: ThinkrecConfig, placed: Placed | None = None) -> None:
        self.model, self.placed = model, placed
        self._encoder, self._config = encoder, config
        self._device = next(model.parameters()).device

    def losses(self, rows: Sequence[Encoded]) -> Losses:
        """The losses of rows of one kind."""
        logits, answers = self._forward(rows)
        labels = torch.tensor([float(row.row.label) for row in rows], device=self._device)
        return losses(self._yes(logits), labels, logits, answers, weigh=weights(self._config, rows[0].row.kind))

    @torch.no_grad()
    def scores(self, rows: Sequence[Encoded], alive: Alive = lambda: None) -> list[float]:
        """The score of each row: the higher, the rather Yes. It leaves the model in evaluation mode."""
        self.model.eval()
        found: list[float] = []
        for start in range(0, len(rows), SCORED_AT_ONCE):
            alive()
            logits, _ = self._forward(rows[start : start + SCORED_AT_ONCE], answered=False)
            found += self._yes(logits).tolist()
        return found

    def _yes(self, logits: Tensor) -> Tensor:
        return yes_logits(logits[:, 0], yes=self._encoder.yes, no=self._encoder.no, contrast=self._config.contrast)

    def _forward(self, rows: Sequence[Encoded], *, answered: bool = True) -> tuple[Tensor, Tensor]:
        """(b, t, vocabulary) float32 logits that predict the answers, and these (b, t).

        Without `answered` the rows' answers are not read, and only the logits of their first tokens are there.
        """
        answers = [row.answer if answered else row.answer[:1] for row in rows]
        widest, longest = max(len(row.prompt) for row in rows), max(map(len, answers))
        shape = len(rows), widest + longest - 1  # an answer's last token predicts nothing
        tokens = torch.full(shape, self._encoder.pad)
        mask, wanted = torch.zeros(shape, dtype=torch.long), torch.full((len(rows), longest), IGNORED)
        starts = [widest - len(row.prompt) for row in rows]
        for n, (row, answer, start) in enumerate(zip(rows, answers, starts, strict=True)):
            end = widest + len(answer) - 1
            tokens[n, start:end] = torch.tensor(row.prompt + answer[:-1])
            mask[n, start:end] = 1
            wanted[n, : len(answer)] = torch.tensor(answer)
        tokens, mask, wanted = (one.to(self._device) for one in (tokens, mask, wanted))
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        with self._precision():
            given = {"input_ids": tokens} if self.placed is None else self._embedded(tokens, rows, starts)
            out = self.model(attention_mask=mask, position_ids=positions, logits_to_keep=longest, **given)
        return out.logits.float(), wanted

    def _embedded(self, tokens: Tensor, rows: Sequence[Encoded], starts: Sequence[int]) -> dict[str, Tensor]:
        assert self.placed is not None
        embedded = self.model.get_input_embeddings()(tokens)
        return {"inputs_embeds": self.placed(embedded, rows, starts)}

    def _precision(self) -> Any:
        return torch.autocast("cuda", dtype=torch.bfloat16) if self._device.type == "cuda" else nullcontext()


def with_adapter(base: Any, config: ThinkrecConfig, folder: Path | None = None) -> Any:
    """The base with a new adapter, or with the one in `folder`; its adapter's weights are trainable."""
    base.config.use_cache = False
    if next(base.parameters()).device.type == "cuda":  # long prompts of a large model fit only so
        base.gradient_checkpointing_enable()
        base.enable_input_require_grads()
    modules = MODULES_OF[config.targets]
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=modules if isinstance(modules, str) else list(modules),
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():  # peft 0.21 asks transformers 5.23 by an old name
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        if folder is not None:
            return PeftModel.from_pretrained(base, str(folder), is_trainable=True)
        return get_peft_model(base, lora)
