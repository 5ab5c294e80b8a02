"""ThinkRec's scores in process: what prompts of a person begin with is computed once.

The longest beginning that two prompts share is read into a key-value cache. The ends of many prompts then follow it in
one row, each at the positions it would have had, blind to the others and to what of the beginning it does not share. So
nothing is padded and the cache is never copied for a prompt: candidates share one history, and a person's ratings in
their order a history that grows. (Such a mask is known from tree attention: Miao et al., SpecInfer, ASPLOS 2024.)
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache

from recommender.llm import hub
from recommender.llm.types import Prompt
from recommender.thinkrec.prompts import after_reasoning
from recommender.thinkrec.scoring.answers import freed
from recommender.thinkrec.scoring.scored import Cost, Scales, Scored
from recommender.tuning.base import load_tokenizer, load_weights, with_exact_head

TOKENS_AT_ONCE = 256  # of prompts' ends; more waste time on what is masked, fewer on small matrices
EXACT = 1e-3  # how far shared and whole prompts may differ, in logits of float32
CLOSE = 0.5  # in those of bfloat16
FORMS = ("{}", " {}")

Tokens = list[int]


@dataclass(frozen=True, slots=True)
class AnswerTokens:
    """The tokens with which Yes and No begin after a prompt: one each, unless the tokenizer takes them apart."""

    yes: tuple[int, ...]
    no: tuple[int, ...]


class LocalScorer:
    """A model in this process. `answers`: the tokens that count, else those of the tokenizer. `share`: False computes
    every prompt whole, to compare with. `added`: parameters of the adapter that is merged into it."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        name: str,
        share: bool = True,
        answers: AnswerTokens | None = None,
        added: int = 0,
    ) -> None:
        self.name = name
        self.parameters: tuple[int, int] | None = (int(sum(one.numel() for one in model.parameters())), added)
        self._model, self._tokenizer = model.eval(), tokenizer
        self._device = next(model.parameters()).device
        self._stop = tokenizer.eos_token_id
        stops = model.generation_config.eos_token_id
        self._ends_with = {self._stop, *(stops if isinstance(stops, list) else [stops])}
        self.answers = answers or answer_tokens(tokenizer)
        self._share = share and self._shares_exactly()

    def score(self, prompts: list[Prompt], *, seconds: float = 0.0, reasoning: int = 0, scales: Scales = ()) -> Scored:
        """As Scorer.score."""
        with self._acting(scales):
            return self._scored(prompts, seconds, reasoning)

    def write(self, prompt: Prompt, most: int, *, scales: Scales = ()) -> tuple[str, Cost]:
        """As Scorer.write, greedily."""
        with self._acting(scales):
            text, cost, _ = self._reasoned(self.encoded(prompt), most)
            return text, cost

    def _acting(self, scales: Scales) -> AbstractContextManager[Any]:
        """A block in which adapters act so; this model has none."""
        if scales:
            raise ValueError("This model has no adapters to scale.")
        return nullcontext()

    def _scored(self, prompts: list[Prompt], seconds: float, reasoning: int) -> Scored:
        until = time.monotonic() + seconds if seconds else float("inf")
        if not reasoning:
            return self._score([self.encoded(prompt) for prompt in prompts], until)
        texts, cut, cost, asked = [], [], Cost(), []
        for prompt in prompts:
            if time.monotonic() >= until:
                break
            said, cost_of_text, is_cut = self._reasoned(self.encoded(prompt), reasoning)
            text = freed(said)
            texts.append(text)
            cut.append(is_cut)
            asked.append(self.encoded(after_reasoning(prompt, text)))
            cost += cost_of_text
        found = self._score(asked, until) if asked else Scored(np.zeros(0), np.zeros(0))
        missing = np.full(len(prompts) - len(asked), np.nan)
        yes, log_odds = (np.concatenate([column, missing]) for column in (found.yes, found.log_odds))
        ended = frozenset(place for place, is_cut in enumerate(cut) if is_cut)
        return Scored(yes, log_odds, cost + found.cost, texts=(*texts, *("" for _ in missing)), cut=ended)

    def encoded(self, prompt: Prompt) -> Tokens:
        """The prompt's tokens, up to where the answer begins."""
        return encode(self._tokenizer, text_of(self._tokenizer, prompt))

    @torch.inference_mode()
    def _score(self, rows: Sequence[Tokens], until: float) -> Scored:
        logits = np.full((len(rows), 2), np.nan)
        beginning, shared = shared_by(rows) if self._share else ([], [0] * len(rows))
        cost, cache = Cost(), None
        if beginning:
            cache = DynamicCache()
            self._model(**self._row(beginning), past_key_values=cache, use_cache=True, logits_to_keep=1)
            cost = Cost(read=len(beginning), calls=1)
        pace = 0.0  # seconds a token
        lengths = [len(row) - same for row, same in zip(rows, shared, strict=True)]
        for chunk in _chunks(lengths, TOKENS_AT_ONCE if beginning else 0):
            ends = [rows[place][shared[place] :] for place in chunk]
            length = sum(map(len, ends))
            began = time.monotonic()
            if began + pace * length >= until:
                break
            logits[chunk] = self._ends(ends, cache, [shared[place] for place in chunk])
            pace = (time.monotonic() - began) / length
            cost += Cost(length, sum(len(rows[place]) for place in chunk), calls=1)
        return Scored(logits[:, 0], logits[:, 0] - logits[:, 1], cost)

    def _ends(self, ends: Sequence[Tokens], cache: DynamicCache | None, shared: Sequence[int]) -> Any:
        """The logits (ends, 2) of Yes and No after each end, which follows the first `shared` tokens of the cache."""
        lengths = torch.tensor([len(end) for end in ends], device=self._device)
        last = lengths.cumsum(0) - 1
        row = self._row([token for end in ends for token in end])
        if cache is None:
            hidden = self._model(**row, use_cache=False, logits_to_keep=1).logits
        else:
            place = torch.arange(int(lengths.sum()), device=self._device)
            own = torch.repeat_interleave(torch.arange(len(ends), device=self._device), lengths)
            begin = torch.repeat_interleave(last + 1 - lengths, lengths)
            before = torch.tensor(shared, device=self._device)[own]
            seen = (own[:, None] == own[None]) & (place[:, None] >= place[None])
            cached = torch.arange(cache.get_seq_length(), device=self._device)[None] < before[:, None]
            seen = torch.cat([cached, seen], dim=1)
            mask = torch.zeros(seen.shape, dtype=self._model.dtype, device=self._device)
            mask.masked_fill_(~seen, torch.finfo(mask.dtype).min)
            hidden = self._model(
                **row,
                attention_mask=mask[None, None],
                position_ids=(place - begin + before)[None],
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=last,
            ).logits
            cache.crop(-len(place))
        logits = hidden[0].float()
        answers = (self.answers.yes, self.answers.no)
        both = [torch.logsumexp(logits[:, list(tokens)], dim=1) for tokens in answers]
        return torch.stack(both, dim=1).cpu().numpy()

    @torch.inference_mode()
    def _reasoned(self, prompt: Tokens, most: int) -> tuple[str, Cost, bool]:
        """What the model says of itself to a prompt, greedily, what it cost, and whether `most` tokens cut it off."""
        row = self._row(prompt)
        mask = torch.ones((1, len(prompt)), dtype=torch.long, device=self._device)
        written = self._model.generate(
            **row, attention_mask=mask, max_new_tokens=most, do_sample=False, pad_token_id=self._stop
        )[0, len(prompt) if "input_ids" in row else 0 :]  # of embeddings only what follows is given back
        text = self._tokenizer.decode(written, skip_special_tokens=True).strip()
        cut = len(written) >= most and int(written[-1]) not in self._ends_with
        return text, Cost(len(prompt), len(prompt), len(written), calls=len(written)), cut

    def _row(self, tokens: Tokens) -> dict[str, torch.Tensor]:
        return {"input_ids": torch.tensor([tokens], device=self._device)}

    def _shares_exactly(self) -> bool:
        """Whether this architecture scores the same with a shared beginning: not all have a cache that can be cut."""
        rows = [encode(self._tokenizer, f"One two three four five {end}") for end in ("six.", "seven eight.")]
        self._share = False
        whole = self._score(rows, float("inf"))
        self._share = True
        try:
            shared = self._score(rows, float("inf"))
        except (RuntimeError, ValueError, TypeError, AttributeError, NotImplementedError):
            return False
        return bool(np.abs(whole.yes - shared.yes).max() <= (EXACT if self._model.dtype == torch.float32 else CLOSE))


def load(base: str, adapter: str = "", *, threads: int = 1, bfloat16: bool = False) -> LocalScorer:
    """The base (recommender.tuning.base), with a LoRA adapter's folder merged into it where one is named.

    Raises CannotTuneError for a base that cannot be loaded, OSError or ValueError for such an adapter.
    """
    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if adapter:  # before the base, which may take a minute
        hub.find(adapter, file=hub.ADAPTER)
    tokenizer = load_tokenizer(base)
    model, added = with_exact_head(load_weights(base, device, bfloat16=bfloat16)), 0
    if adapter:
        from peft import PeftModel  # noqa: PLC0415 - slow to load, and only here

        tuned = PeftModel.from_pretrained(model, adapter)
        added = sum(one.numel() for name, one in tuned.named_parameters() if ".lora_" in name)
        model = tuned.merge_and_unload()
    names = [Path(one).name for one in (base, adapter) if one]
    return LocalScorer(model, tokenizer, name=" + ".join(names), added=added)


def text_of(tokenizer: Any, prompt: Prompt) -> str:
    """The prompt by the model's own chat template, up to where the answer begins; a plain text where it has none."""
    messages = [dict(message) for message in prompt.messages]
    if getattr(tokenizer, "chat_template", None):
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
    return "\n\n".join(message["content"] for message in messages) + "\nAnswer:"


def encode(tokenizer: Any, text: str) -> Tokens:
    """A chat template writes the special tokens itself."""
    own = not getattr(tokenizer, "chat_template", None)
    return list(tokenizer(text, add_special_tokens=own)["input_ids"])


def answer_tokens(tokenizer: Any) -> AnswerTokens:
    """How Yes and No begin after a prompt, as the tokenizer writes them there.

    Of “Yes” and “ Yes” the form counts that is one token, rather the one without a space after white space; where
    neither is one, the first tokens of both do, without those with which Yes and No begin alike. Raises ValueError
    where no other is left.
    """
    example = Prompt("", "", ({"role": "user", "content": "Answer with one word, Yes or No."},), None)
    text = text_of(tokenizer, example)
    before = encode(tokenizer, text)
    forms = FORMS if text[-1:].isspace() or not text[-1:].isprintable() or text[-1:] in ">]" else FORMS[::-1]
    yes, no = (_begins(tokenizer, text, before, [form.format(word) for form in forms]) for word in ("Yes", "No"))
    own = AnswerTokens(tuple(one for one in yes if one not in no), tuple(one for one in no if one not in yes))
    if not (own.yes and own.no):
        raise ValueError("This model's tokenizer writes Yes and No with the same first token: it cannot score.")
    return own


def _begins(tokenizer: Any, text: str, before: Tokens, forms: Sequence[str]) -> tuple[int, ...]:
    firsts: list[int] = []
    for form in forms:
        tokens = encode(tokenizer, text + form)
        same = _alike(before, tokens)
        if same == len(before) and len(tokens) == same + 1:
            return (tokens[same],)
        firsts.append(tokens[same])
    return tuple(dict.fromkeys(firsts))


def shared_by(rows: Sequence[Tokens]) -> tuple[Tokens, list[int]]:
    """The tokens to compute once, and how many of them each row begins with; each keeps one of its own at least.

    They are the last row's, as far as any other row begins so. Nothing of a single row.
    """
    same = [min(_alike(row, rows[-1]), len(row) - 1) for row in rows[:-1]]
    longest = min(max(same, default=0), len(rows[-1]) - 1 if rows else 0)
    return (rows[-1][:longest], [*(min(one, longest) for one in same), longest]) if longest else ([], [0] * len(rows))


def _alike(one: Tokens, other: Tokens) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _chunks(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Places in their order, together at most `most` tokens long, one at least; each alone where `most` is 0."""
    chunk: list[int] = []
    size = 0
    for place, length in enumerate(lengths):
        if chunk and size + length > most:
            yield chunk
            chunk, size = [], 0
        chunk.append(place)
        size += length
    if chunk:
        yield chunk
