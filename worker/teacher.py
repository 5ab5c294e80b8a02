"""Ask a teacher about cases, many at a time, and store every call. What is stored is never asked again."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from recommender.llm.client import OpenAiLlm, storable
from recommender.llm.errors import LlmError, PermanentLlmError, TransientLlmError
from recommender.llm.types import Answer
from recommender.models import TeacherCall, TeacherCase
from recommender.rounds import leases
from recommender.tuning.teacher import service
from recommender.tuning.teacher.questions import Ask, Done
from recommender.tuning.teacher.rows import move

MOST_ATTEMPTS = 6  # waves in a row in which nothing was answered


@dataclass(slots=True)
class Report:
    """What one run came to. `calls` counts all that were made, `failed_calls` those without an answer."""

    cases: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    failed_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


def teach(
    cases: Sequence[TeacherCase], *, progress: Callable[[Report], None] = lambda _: None, wait: float = 1.0
) -> Report:
    """Ask until every case is decided. Raises PermanentLlmError, or TransientLlmError once nothing is answered.

    Cases go in waves of as many as the endpoint takes at once: each wave asks one question of each of its cases, and is
    stored before the next. `wait` scales the pauses after transient errors.
    """
    report = Report()
    waiting = [(case, list(case.calls.all())) for case in cases]
    silent = 0
    with asyncio.Runner() as runner:
        llm = OpenAiLlm("teacher")
        try:
            while waiting:
                wave, rest = waiting[: llm.concurrency], waiting[llm.concurrency :]
                answered = report.calls - report.failed_calls
                undecided, error = _wave(runner, llm, wave, report)
                waiting = undecided + rest
                progress(report)
                silent = silent + 1 if error is not None and report.calls - report.failed_calls == answered else 0
                if isinstance(error, PermanentLlmError) or (error is not None and silent >= MOST_ATTEMPTS):
                    raise error
                if isinstance(error, TransientLlmError):
                    time.sleep(wait * leases.backoff(max(silent, 1), retry_after=error.retry_after))
        finally:
            runner.run(llm.__aexit__())
    return report


Waiting = list[tuple[TeacherCase, list[TeacherCall]]]


def _wave(runner: asyncio.Runner, llm: OpenAiLlm, wave: Waiting, report: Report) -> tuple[Waiting, LlmError | None]:
    """Ask once about each of these. Returns those that are not decided yet, and an error if there was one."""
    asks: list[tuple[TeacherCase, list[TeacherCall], Ask]] = []
    finished: list[TeacherCase] = []
    for case, calls in wave:
        found = move(case, calls)
        if isinstance(found, Done):
            _finish(case, found, finished, report)
        else:
            asks.append((case, calls, found))
    answers = runner.run(_ask(llm, [ask for _, _, ask in asks]))
    made, undecided, error = [], [], None
    for (case, calls, ask), answer in zip(asks, answers, strict=True):
        call = _call(case, ask, answer, llm)
        made.append(call)
        calls.append(call)
        report.calls += 1
        if isinstance(answer, LlmError):
            report.failed_calls += 1
            error = answer if error is None or isinstance(answer, PermanentLlmError) else error
            undecided.append((case, calls))
            continue
        report.prompt_tokens += answer.prompt_tokens
        report.completion_tokens += answer.completion_tokens
        found = move(case, calls)
        if isinstance(found, Done):
            _finish(case, found, finished, report)
        else:
            if found.step == ask.step:
                call.error_kind = "malformed"
            undecided.append((case, calls))
    service.store(made, finished)
    return undecided, error


def _finish(case: TeacherCase, found: Done, finished: list[TeacherCase], report: Report) -> None:
    case.outcome = found.outcome
    finished.append(case)
    report.cases += 1
    report.outcomes[found.outcome] = report.outcomes.get(found.outcome, 0) + 1


async def _ask(llm: OpenAiLlm, asks: Sequence[Ask]) -> list[Answer | LlmError]:
    async def one(ask: Ask) -> Answer | LlmError:
        try:
            return await llm.ask(ask.prompt)
        except LlmError as error:
            return error

    return await asyncio.gather(*(one(ask) for ask in asks))


def _call(case: TeacherCase, ask: Ask, answer: Answer | LlmError, llm: OpenAiLlm) -> TeacherCall:
    call = TeacherCall(
        case=case,
        role=llm.role,
        step=ask.step,
        prompt_name=ask.prompt.name,
        prompt_hash=ask.prompt.hash,
        messages=list(ask.prompt.messages),
        model=llm.model[:200],
        base_url=llm.base_url[:300],
        parameters=llm.parameters(),
    )
    if isinstance(answer, LlmError):
        call.error_kind = "permanent" if isinstance(answer, PermanentLlmError) else "transient"
        call.error = storable(str(answer), 2000)
        call.answer = answer.answer if isinstance(answer, TransientLlmError) else ""
        return call
    call.model, call.answer, call.parameters = answer.model[:200], answer.text, answer.parameters
    call.request_id, call.latency_ms = answer.request_id, answer.latency_ms
    call.cached_tokens = answer.cached_tokens
    call.prompt_tokens, call.completion_tokens = answer.prompt_tokens, answer.completion_tokens
    return call
