"""ThinkRec's scores through an OpenAI-compatible endpoint that tells logprobs: one short question a candidate.

All prompts of a person begin alike, so the first is asked alone and the server's prefix cache serves the others.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

import numpy as np
from django.conf import settings

from recommender.llm.client import OpenAiLlm, RefusedError
from recommender.llm.errors import LlmError, TransientLlmError
from recommender.llm.types import Answer, Prompt
from recommender.runs.errors import CannotRunError
from recommender.thinkrec.prompts import after_reasoning
from recommender.thinkrec.scoring.answers import yes_no
from recommender.thinkrec.scoring.scored import Cost, Scored

ALTERNATIVES = 20  # the most that OpenAI and vLLM tell
TRIES = 4
LONGEST_WAIT = 30.0  # seconds between two tries

T = TypeVar("T")


class EndpointScorer:
    """The endpoint of the role "scorer" (settings.LLM)."""

    parameters = None

    def __init__(self) -> None:
        self.name = str(settings.LLM["scorer"]["model"])

    def score(self, prompts: list[Prompt], *, seconds: float = 0.0, reasoning: int = 0) -> Scored:
        """As Scorer.score. Raises CannotRunError with what the endpoint's settings lack, or what hinders it for now."""
        try:
            return asyncio.run(self._score(prompts, seconds, reasoning))
        except LlmError as error:
            raise CannotRunError(str(error)) from error

    def write(self, prompt: Prompt, most: int) -> tuple[str, Cost]:
        """As Scorer.write; `most` is R4_SCORER_MAX_TOKENS. Raises CannotRunError as `score` does."""

        async def ask() -> Answer:
            async with OpenAiLlm("scorer") as llm:
                return await _patiently(lambda: llm.ask(prompt))

        try:
            answer = asyncio.run(ask())
        except LlmError as error:
            raise CannotRunError(str(error)) from error
        return answer.text.strip(), _cost(answer)

    async def _score(self, prompts: list[Prompt], seconds: float, reasoning: int) -> Scored:
        until = time.monotonic() + seconds if seconds else None
        async with OpenAiLlm("scorer") as llm:

            async def one(prompt: Prompt) -> tuple[str, list[Answer]]:
                said = [await _patiently(lambda: llm.ask(prompt))] if reasoning else []
                text = said[0].text.strip() if said else ""
                asked = after_reasoning(prompt, text) if said else prompt
                return text, [*said, await _patiently(lambda: llm.first_tokens(asked, most=ALTERNATIVES))]

            found = await _all([partial(one, prompt) for prompt in prompts], until)
        yes, log_odds = np.full(len(prompts), np.nan), np.full(len(prompts), np.nan)
        notes, texts, cost = {}, [""] * len(prompts), Cost()
        for place, answered in enumerate(found):
            if answered is None:
                continue
            texts[place], answers = answered
            both = yes_no(answers[-1].first_tokens)
            if both.note:
                notes[place] = both.note
            if both.yes_shown or both.no_shown:
                yes[place], log_odds[place] = both.yes, both.yes - both.no
            cost += sum((_cost(answer) for answer in answers), Cost())
        return Scored(yes, log_odds, cost, notes, tuple(texts) if reasoning else ())


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


def _cost(answer: Answer) -> Cost:
    return Cost(answer.prompt_tokens - answer.cached_tokens, answer.prompt_tokens, answer.completion_tokens, calls=1)
