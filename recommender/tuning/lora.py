"""LoRA tuning of a causal language model on exported rows: it and `base` alone load torch here.

Plain token likelihood over the answer, AdamW, cosine with warm-up counted in optimizer steps; the adapter after the
last epoch is kept, as R4ec does (METHODS.md 1.4).
"""

import math
import random
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch.nn.functional import cross_entropy
from transformers import get_cosine_schedule_with_warmup

from recommender.tuning import gguf_lora
from recommender.tuning.base import load_tokenizer, load_weights, products_of
from recommender.tuning.config import TuneConfig, TunedRole
from recommender.tuning.examples import Example, load

Observer = Callable[[dict[str, Any]], None]
IGNORED = -100
MERGED = "merged"  # beside the adapter: base and adapter as one model


def tune(
    data: Path,
    folder: Path,
    *,
    config: TuneConfig,
    role: TunedRole,
    name: str = "adapter",
    observer: Observer = lambda _: None,
) -> dict[str, Any]:
    """Tune an adapter on the export in `data`, save it with its tokenizer in `folder`, for llama.cpp as `name`.gguf
    (`config.merge`: and the merged model beside it), and return its metrics: `gguf` says what that file is called, or
    `without_gguf` why there is none.

    `observer` is told about every optimizer step, hears of the rest often enough to show life, and may raise to stop.
    Raises CannotTuneError.
    """
    torch.set_num_threads(config.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    observer({"stage": "loading"})
    tokenizer = load_tokenizer(config.base)
    examples = load(data, tokenizer, config=config, role=role)  # before the weights, which take longer
    base = load_weights(config.base, device, bfloat16=config.half_precision)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        model = _with_lora(base, config, device)
        learner = _Learner(model, config, device, observer, pad=tokenizer.eos_token_id)
        before = learner.evaluate(examples.valid)
        steps = learner.train(examples.train, examples.valid)
        after = learner.evaluate(examples.valid)
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    # Without the embeddings: peft would otherwise look the base model up on the hub.
    model.save_pretrained(folder, save_embedding_layers=False)
    tokenizer.save_pretrained(folder)
    for_llama_cpp = _for_llama_cpp(folder, name, base.config, config)
    if config.merge:
        base.config.use_cache = True
        merged = folder.with_name(MERGED)
        model.merge_and_unload().save_pretrained(merged)
        tokenizer.save_pretrained(merged)
    rows = {"train": len(examples.train), "valid": len(examples.valid), "too_long": examples.too_long}
    return (
        {
            "rows": rows,
            "trained_parameters": trained,
            "device": device.type,
            "before": before,
            "after": after,
        }
        | steps
        | for_llama_cpp
    )


def _for_llama_cpp(folder: Path, name: str, base: Any, config: TuneConfig) -> dict[str, str]:
    try:
        return {"gguf": gguf_lora.write(folder, name, base=base, alpha=config.alpha).name}
    except gguf_lora.NoGgufError as error:
        return {"without_gguf": str(error)}


def _with_lora(base: Any, config: TuneConfig, device: torch.device) -> Any:
    base.config.use_cache = False
    if device.type == "cuda":  # long prompts of a large model fit only so
        base.gradient_checkpointing_enable()
        base.enable_input_require_grads()
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():  # peft 0.21 asks transformers 5.23 by an old name
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return get_peft_model(base, lora)


class _Learner:
    def __init__(self, model: Any, config: TuneConfig, device: torch.device, observer: Observer, *, pad: int) -> None:
        self._model, self._config, self._device, self._observer = model, config, device, observer
        self._pad = pad  # any token would do: what is padded is masked

    def train(self, examples: list[Example], valid: list[Example]) -> dict[str, Any]:
        """All epochs. Returns `epochs` (training and validation loss of each), `steps` and `tokens_per_second`."""
        config = self._config
        of = config.epochs * math.ceil(len(examples) / config.batch_size)
        parameters = [parameter for parameter in self._model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=0.0)
        schedule = get_cosine_schedule_with_warmup(optimizer, math.ceil(config.warm_up * of), of)
        order, epochs, step, tokens, seconds = random.Random(config.seed), [], 0, 0, 0.0  # noqa: S311 - a shuffle
        for number in range(1, config.epochs + 1):
            self._model.train()
            shuffled = order.sample(examples, len(examples))
            total, answers, started = 0.0, 0, time.monotonic()
            for batch in _batches(shuffled, config.batch_size):
                loss, learnt = self._step(batch, optimizer)
                torch.nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
                schedule.step()
                step += 1
                total, answers = total + loss, answers + learnt
                tokens += sum(map(len, batch))
                progress = {"step": step, "of": of, "epoch": number, "loss": loss / learnt}
                self._observer({"stage": "tuning"} | progress)
            seconds += time.monotonic() - started
            epochs.append({"train_loss": total / answers, "valid_loss": self.evaluate(valid)["loss"]})
        return {"epochs": epochs, "steps": step, "tokens_per_second": round(tokens / seconds, 1)}

    def _step(self, batch: Sequence[Example], optimizer: torch.optim.Optimizer) -> tuple[float, int]:
        """Gradients of one batch: the mean over its answers' tokens, whatever the micro-batch."""
        optimizer.zero_grad(set_to_none=True)
        learnt = sum(len(example.answer) for example in batch)
        total = 0.0
        for part in _batches(batch, self._config.micro_batch):
            loss = self._losses([(example.prompt, example.answer) for example in part]).sum()
            torch.autograd.backward(loss / learnt)
            total += loss.item()
        return total, learnt

    @torch.no_grad()
    def evaluate(self, examples: Sequence[Example]) -> dict[str, float]:
        """`loss`: nats a token of the answers. For reflections also `verdict_accuracy`: the share of rows whose true
        judgement is likelier than the other one."""
        self._model.eval()
        total, learnt, right, judged = 0.0, 0, 0, 0
        for part in _batches(examples, self._config.micro_batch):
            self._observer({"stage": "evaluating"})
            total += self._losses([(example.prompt, example.answer) for example in part]).sum().item()
            learnt += sum(len(example.answer) for example in part)
            with_verdicts = [(example.prompt, example.verdicts) for example in part if example.verdicts]
            if with_verdicts:
                true, other = (self._losses([(p, both[n]) for p, both in with_verdicts]) for n in (0, 1))
                right, judged = right + int((true < other).sum()), judged + len(with_verdicts)
        return {"loss": total / learnt} | ({"verdict_accuracy": right / judged} if judged else {})

    def _losses(self, pairs: Sequence[tuple[list[int], list[int]]]) -> torch.Tensor:
        """(rows,) the negative log-likelihood of each answer after its prompt, in nats, summed over its tokens."""
        longest = max(len(prompt) + len(answer) for prompt, answer in pairs)
        tokens = torch.full((len(pairs), longest), self._pad)
        labels = torch.full((len(pairs), longest), IGNORED)
        mask = torch.zeros((len(pairs), longest), dtype=torch.long)
        for row, (prompt, answer) in enumerate(pairs):
            end = len(prompt) + len(answer)
            tokens[row, :end] = torch.tensor(prompt + answer)
            labels[row, len(prompt) : end] = torch.tensor(answer)
            mask[row, :end] = 1
        tokens, labels, mask = (one.to(self._device) for one in (tokens, labels, mask))
        with products_of(self._model):
            logits = self._model(input_ids=tokens, attention_mask=mask).logits
        predicted = logits[:, :-1].float().transpose(1, 2)
        return cross_entropy(predicted, labels[:, 1:], ignore_index=IGNORED, reduction="none").sum(1)


def _batches(examples: Sequence[Example], size: int) -> Iterator[Sequence[Example]]:
    return (examples[start : start + size] for start in range(0, len(examples), size))
