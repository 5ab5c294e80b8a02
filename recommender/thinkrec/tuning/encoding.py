"""Rows as token ids. No torch."""

from dataclasses import dataclass
from typing import Any

from recommender.thinkrec.prompts import PLACE
from recommender.thinkrec.tuning.config import CannotTuneThinkrecError, ThinkrecConfig
from recommender.thinkrec.tuning.rows import YES_NO, Entity, Known, Message, Prompts, Row


@dataclass(frozen=True, slots=True)
class Encoded:
    """`prompt`, `answer`: token ids; the answer's first is that of Yes or No. `places`: of the prompt, by entity."""

    row: Row
    prompt: list[int]
    answer: list[int]
    places: tuple[tuple[int, Entity], ...] = ()

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


class Encoder:
    """Turns rows into tokens with a model's own tokenizer and chat template. `yes`, `no`: first tokens of answers."""

    def __init__(self, tokenizer: Any, prompts: Prompts, config: ThinkrecConfig) -> None:
        self._tokenizer, self._prompts, self._config = tokenizer, prompts, config
        self.pad: int = tokenizer.eos_token_id
        self.yes, self.no = (self._tokens(YES_NO[label])[0] for label in (True, False))
        if self.yes == self.no or not tokenizer.chat_template:
            raise CannotTuneThinkrecError(
                f"{config.base} cannot answer Yes or No: its tokenizer begins both alike, or it has no chat template. "
                "Choose an instruction-tuned model."
            )

    def encoded(self, row: Row, *, known: Known | None = None) -> Encoded:
        """A row, with so much of the end of its history as the cutoff allows.

        Each place of its prompt is one token, which a vector replaces. Raises CannotTuneThinkrecError for one that is
        too long without any history.
        """
        for shown in range(len(row.history), -1, -1):
            messages, entities = self._prompts.of(row, known=known, history=shown)
            first, *others = self._templated(messages).split(PLACE)
            prompt, places = self._tokens(first), []
            for entity, piece in zip(entities, others, strict=True):
                places.append((len(prompt), entity))
                prompt += [self.pad, *self._tokens(piece)]
            if len(prompt) <= self._config.cutoff:
                answer = [*self._tokens(row.answer), self.pad][: self._config.answer_cutoff]
                return Encoded(row, prompt, answer, tuple(places))
        raise CannotTuneThinkrecError(
            f"The question about {self._prompts.items[row.item].title!r} takes {len(prompt)} tokens without any "
            f"history, and the cutoff is {self._config.cutoff}: raise it."
        )

    def _templated(self, messages: list[Message]) -> str:
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def _tokens(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False).input_ids)
