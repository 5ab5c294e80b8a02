"""ThinkRec's scores through an OpenAI-compatible endpoint that tells logprobs: one short question a candidate.

All prompts of a person begin alike, so the first is asked alone and the server's prefix cache serves the others. Of a
tuned model's adapters llama.cpp's server sums those that act, by each request's scales; another endpoint is asked for
each by its name, and what they answer is mixed (`experts.remote`).
"""

import asyncio
import math
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from django.conf import settings

from recommender.llm.client import OpenAiLlm, RefusedError
from recommender.llm.errors import LlmError, TransientLlmError
from recommender.llm.types import Answer, Prompt
from recommender.runs.errors import CannotRunError
from recommender.thinkrec.experts.remote import acting, lora_scales, mixed
from recommender.thinkrec.prompts import after_reasoning
from recommender.thinkrec.scoring.answers import YesNo, freed, yes_no
from recommender.thinkrec.scoring.scored import Cost, Scales, Scored

ALTERNATIVES = 20  # the most that OpenAI and vLLM tell
TRIES = 4
LONGEST_WAIT = 30.0  # seconds between two tries

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Answered:
    """What was said about one candidate: `firsts` by adapter, whose probabilities are mixed by `scales`.

    `cut`: whether the text ends where its tokens ran out."""

    text: str
    cut: bool
    scales: Mapping[str, float]
    firsts: Mapping[str, YesNo]
    cost: Cost

    @property
    def scores(self) -> tuple[float, float]:
        """The logarithm of Yes's probability, and Yes against No; NaN where an adapter says neither."""
        if not all(both.yes_shown or both.no_shown for both in self.firsts.values()):
            return math.nan, math.nan
        if len(self.firsts) == 1:
            (both,) = self.firsts.values()
            return both.yes, both.yes - both.no
        yes = mixed(self.scales, {name: math.exp(both.yes) for name, both in self.firsts.items()})
        no = mixed(self.scales, {name: math.exp(both.no) for name, both in self.firsts.items()})
        logarithms = [math.log(max(one, sys.float_info.min)) for one in (yes, no)]
        return logarithms[0], logarithms[0] - logarithms[1]


class EndpointScorer:
    """The endpoint of the role "scorer" (settings.LLM). `adapters` (1 + N): of a tuned model, as the endpoint calls
    them, the global one first; without any the role's own model answers. `name`: as of Scorer, else the role's model's.
    """

    parameters: tuple[int, int] | None = None

    def __init__(self, adapters: Sequence[str] = (), *, name: str = "") -> None:
        self.name = name or str(settings.LLM["scorer"]["model"])
        self._adapters = adapters

    def score(self, prompts: list[Prompt], *, seconds: float = 0.0, reasoning: int = 0, scales: Scales = ()) -> Scored:
        """As Scorer.score. Raises CannotRunError with what the endpoint's settings lack, or what hinders it for now."""
        try:
            return asyncio.run(self._score(prompts, seconds, reasoning, acting(self._adapters, scales)))
        except LlmError as error:
            raise CannotRunError(str(error)) from error

    def write(self, prompt: Prompt, most: int, *, scales: Scales = ()) -> tuple[str, Cost]:
        """As Scorer.write, by the adapter that acts most where they cannot be summed; `most` is R4_SCORER_MAX_TOKENS.

        Raises CannotRunError as `score` does.
        """
        try:
            answer = asyncio.run(self._write(prompt, acting(self._adapters, scales)))
        except LlmError as error:
            raise CannotRunError(str(error)) from error
        return answer.text.strip(), _cost(answer)

    async def _write(self, prompt: Prompt, scales: Mapping[str, float]) -> Answer:
        async with AsyncExitStack() as stack:
            llm, _ = next(iter((await self._models(stack, scales)).values()))
            return await _patiently(lambda: llm.ask(prompt))

    async def _score(
        self, prompts: list[Prompt], seconds: float, reasoning: int, scales: Mapping[str, float]
    ) -> Scored:
        until = time.monotonic() + seconds if seconds else None
        async with AsyncExitStack() as stack:
            llms = await self._models(stack, scales)
            shares = {name: share for name, (_, share) in llms.items()}
            first = next(llm for llm, _ in llms.values())

            async def one(prompt: Prompt) -> _Answered:
                said = [await _patiently(lambda: first.ask(prompt))] if reasoning else []
                text = freed(said[0].text) if said else ""
                asked = after_reasoning(prompt, text) if said else prompt
                firsts = {
                    name: await _patiently(partial(llm.first_tokens, asked, most=ALTERNATIVES))
                    for name, (llm, _) in llms.items()
                }
                cost = sum((_cost(answer) for answer in (*said, *firsts.values())), Cost())
                words = {name: yes_no(told.first_tokens) for name, told in firsts.items()}
                return _Answered(text, any(map(_is_cut, said)), shares, words, cost)

            found = await _all([partial(one, prompt) for prompt in prompts], until)
        told = {place: answered for place, answered in enumerate(found) if answered is not None}
        scores = np.full((len(prompts), 2), np.nan)
        for place, answered in told.items():
            scores[place] = answered.scores
        notes = {
            place: " ".join(dict.fromkeys(both.note for both in answered.firsts.values() if both.note))
            for place, answered in told.items()
        }
        return Scored(
            scores[:, 0],
            scores[:, 1],
            sum((answered.cost for answered in told.values()), Cost()),
            {place: note for place, note in notes.items() if note},
            tuple(told[place].text if place in told else "" for place in range(len(prompts))) if reasoning else (),
            cut=frozenset(place for place, answered in told.items() if answered.cut),
            mixed=len(shares) > 1,
        )

    async def _models(self, stack: AsyncExitStack, scales: Mapping[str, float]) -> dict[str, tuple[OpenAiLlm, float]]:
        """Whom to ask, each with its share of the answer, the largest first."""

        async def opened(name: str = "", beside: Mapping[str, Any] | None = None) -> OpenAiLlm:
            return await stack.enter_async_context(OpenAiLlm("scorer", model=name, beside=beside))

        if not scales:
            return {self.name: (await opened(), 1.0)}
        held = await (await opened()).holding(scales)
        if held is not None:
            return {self.name: (await opened(beside=lora_scales(scales, held)), 1.0)}
        return {name: (await opened(name, {}), scale) for name, scale in scales.items()}


async def _all(asks: list[Callable[[], Coroutine[Any, Any, T]]], until: float | None) -> list[T | None]:
    """What each comes to, None for those that time ran out for; the first goes ahead alone."""
    found: list[T | None] = []
    for several in (asks[:1], asks[1:]):
        tasks = [asyncio.create_task(ask()) for ask in several]
        if tasks:
            left = None if until is None else max(until - time.monotonic(), 0.0)
            done, late = await asyncio.wait(tasks, timeout=left, return_when=asyncio.FIRST_EXCEPTION)
            failed = next((task for task in done if task.exception()), None)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            if failed:
                await failed  # raises
            found += [task.result() if task in done else None for task in tasks]
    return found


async def _patiently(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask again where the endpoint learnt what it takes, or is busy for a moment. Raises LlmError."""
    for tried in range(1, TRIES):
        try:
            return await ask()
        except RefusedError:
            continue
        except TransientLlmError as error:
            wait = 2.0**tried if error.retry_after is None else error.retry_after
            await asyncio.sleep(min(wait, LONGEST_WAIT))
    return await ask()


def _is_cut(answer: Answer) -> bool:
    return answer.parameters.get("finish_reason") == "length"


def _cost(answer: Answer) -> Cost:
    return Cost(answer.prompt_tokens - answer.cached_tokens, answer.prompt_tokens, answer.completion_tokens, calls=1)
