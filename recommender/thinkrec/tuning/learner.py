"""A language model that answers Yes or No: batches of rows forward, their scores and losses.

The rows of a batch are one sequence (`packing`), and logits are computed where they predict answers only.
"""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor

from recommender.thinkrec.tuning.config import MODULES_OF, ThinkrecConfig
from recommender.thinkrec.tuning.encoding import Encoded, Encoder
from recommender.thinkrec.tuning.objective import IGNORED, Losses, losses, weights, yes_logits
from recommender.thinkrec.tuning.packing import Packed, packed
from recommender.thinkrec.tuning.projector import Placed
from recommender.tuning.base import products_of

Alive = Callable[[], None]
SCORED_AT_ONCE = 8  # rows; more only takes memory


class Learner:
    """`model`: a PEFT model. `placed`: what writes collaborative vectors into prompts; None: text alone.

    `read`: the tokens that were read, until somebody counts them and begins again.
    """

    def __init__(self, model: Any, encoder: Encoder, config: ThinkrecConfig, placed: Placed | None = None) -> None:
        self.model, self.placed, self.read = model, placed, 0
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
        pack = packed(rows, answers)
        self.read += len(pack)
        shape = len(rows), max(map(len, answers))
        wanted, predicts = torch.full(shape, IGNORED), torch.zeros(shape, dtype=torch.long)
        kept = 0
        for n, answer in enumerate(answers):
            wanted[n, : len(answer)] = torch.tensor(answer)
            predicts[n, : len(answer)] = torch.arange(kept, kept + len(answer))
            kept += len(answer)
        keep = torch.tensor([place for places in pack.predicts for place in places], device=self._device)
        given: dict[str, Tensor] = {"input_ids": torch.tensor([pack.tokens], device=self._device)}
        if self.placed is not None:
            embedded = self.model.get_input_embeddings()(given["input_ids"])
            given = {"inputs_embeds": self.placed(embedded, pack.entities)}
        with products_of(self.model):
            out = self.model(
                attention_mask=self._mask(pack),
                position_ids=torch.tensor([pack.positions], device=self._device),
                logits_to_keep=keep,
                **given,
            )
        return out.logits[0].float()[predicts.to(self._device)], wanted.to(self._device)

    def _mask(self, pack: Packed) -> Tensor:
        dtype = self.model.get_input_embeddings().weight.dtype
        mask = torch.zeros(pack.seen.shape, dtype=dtype, device=self._device)
        unseen = torch.from_numpy(~pack.seen).to(self._device)
        return mask.masked_fill_(unseen, torch.finfo(dtype).min)[None, None]


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
