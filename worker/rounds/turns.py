"""One leased round: ask for its next turn until it stops.

The stored turns are the state: whoever leases the round reads them, and uses answers that were paid for before.
"""

import logging
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal, assert_never

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError
from django.utils import timezone

from recommender.llm.client import OpenAiLlm, RefusedError, storable
from recommender.llm.errors import LlmError, PermanentLlmError, TransientLlmError
from recommender.llm.types import Answer, Prompt, Role, Sampling
from recommender.models import ListedBy, LlmCall, RestReason, Round, Turn, TurnKind
from recommender.rounds import leases, purposes
from recommender.rounds.core import listed, parsing, prompts
from recommender.rounds.core.echoes import NOBODY, Asked
from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.loop import Reason, Refine, Reflect, Rest, Step
from recommender.rounds.core.types import Subject, TurnValue
from recommender.rounds.leases import Entry
from recommender.rounds.queries import strategy_of, turn_values
from recommender.rounds.service import text_hash
from reviews.room.opening import open_review
from worker.rounds.ledger import Ledger

log = logging.getLogger(__name__)
Llms = Mapping[Role, OpenAiLlm]
BY_MODELS = (TurnKind.REASON, TurnKind.REFINE)


@dataclass(frozen=True, slots=True)
class List:
    """The actor lists what its text `about` states: the last step before a round rests, where that is wanted."""

    about: Turn


@dataclass(frozen=True, slots=True)
class _Question:
    """What to ask for the turn `index`, or about it (`list`). `repairs`: a malformed answer goes back, so another one
    ends the round.

    `asked`: what the prompt holds, which the answer must not merely repeat.
    """

    role: Role
    step: prompts.Step | Literal["list"]
    index: int
    prompt: Prompt
    asked: Asked
    about: Turn | None = None
    repairs: bool = False
    sampling: Sampling | None = None


class TurnMaker:
    """Makes the turns of one round that this worker has leased."""

    def __init__(self, round_: Round, *, ledger: Ledger, llms: Llms) -> None:
        """`round_` as rounds.leases.take returns it."""
        self._round = round_
        self._turns: list[Turn] = list(round_.turns.all())
        self._stored: list[LlmCall] = list(round_.stored_calls)  # type: ignore[attr-defined] # take prefetches it
        self._attempts = round_.attempts
        self._strategy = strategy_of(round_)
        self._purpose = purposes.PURPOSES.get(round_.strategy)  # type: ignore[call-overload] # None for knowledge
        self._ledger = ledger
        self._llms = llms

    @cached_property
    def _subject(self) -> Subject:
        return Subject.from_json(self._round.evidence)

    @cached_property
    def _data(self) -> str:
        return prompts.data_of(self._subject, settings.PROMPTS)

    @property
    def _values(self) -> dict[int, TurnValue]:
        return {turn.index: turn for turn in turn_values(self._turns)}

    async def until_it_stops(self) -> float | None:
        """None: the round rests, failed, or is no longer ours. A number: it waits for so many seconds."""
        try:
            return await self._until_it_stops()
        except (OperationalError, InterfaceError):
            raise  # the database is away: the sweep will hand the round out again
        except Exception as error:
            log.exception("Round %d cannot go on", self._round.pk)
            await self._put(failure=_internal(error))
            return None

    async def _until_it_stops(self) -> float | None:
        while True:
            step = self._next_step(self._turns)
            if isinstance(step, Rest):
                await self._rest(step.reason)
                return None
            if (alone := self._without_asking(step)) is not None:
                if not await self._add(alone):
                    return None
                continue
            question = self._question(step)
            if paid := self._paid(question):
                answered = await self._use(question, paid)
            else:
                try:
                    answer = await self._llms[question.role].ask(question.prompt, sampling=question.sampling)
                except RefusedError as error:
                    answered = not error.asked or await self._put(call=self._failed_call(question, "permanent", error))
                except TransientLlmError as error:
                    if question.step != "list" or self._attempts + 1 < leases.MOST_ATTEMPTS:
                        return await self._wait(question, error)
                    answered = await self._unheard(question, self._failed_call(question, "transient", error))
                except PermanentLlmError as error:
                    call = self._failed_call(question, "permanent", error)
                    if question.step != "list":
                        await self._put(call=call, failure=str(error))
                        return None
                    answered = await self._unheard(question, call)
                else:
                    answered = await self._read(question, answer)
            if not answered:
                return None

    def _next_step(self, turns: list[Turn]) -> Step | List:
        values = turn_values(turns)
        step = self._strategy.next_step(values, self._round.refinements_allowed, self._round.drafts_wanted)
        if not isinstance(step, Rest) or self._round.listed_by == ListedBy.NOBODY:
            return step
        proposed = set(self._strategy.proposed(values))
        unlisted = (turn for turn in turns if turn.index in proposed and turn.kind in BY_MODELS and turn.listed is None)
        turn = next(unlisted, None)
        return step if turn is None else List(turn)

    def _without_asking(self, step: Reason | Reflect | Refine | List) -> Turn | None:
        """The turn of a step that needs no model, of keywords and traces."""
        if self._purpose is None or isinstance(step, List):
            return None
        written = self._purpose.alone(self._subject, step, self._values)
        if written is None:
            return None
        about = next((turn for turn in self._turns if turn.index == getattr(step, "about", None)), None)
        return Turn(
            round=self._round,
            index=len(self._turns),
            kind=TurnKind.REASON if about is None else TurnKind.REFLECT,
            text=written.text,
            text_hash=text_hash(written.text),
            verdict=written.judgement,
            about=about,
        )

    def _question(self, step: Reason | Reflect | Refine | List) -> _Question:
        if isinstance(step, List):
            return self._list_of(step.about)
        if self._purpose is not None:
            return self._of_purpose(self._purpose, step)
        turns = {turn.index: turn for turn in self._turns}
        index = max(turns, default=-1) + 1
        role: Role = "reflector" if isinstance(step, Reflect) else "actor"
        structured = self._llms[role].structured
        form: dict[str, Any] = {
            "structured": structured,
            "with_statements": self._round.listed_by == ListedBy.WITH_TEXT,
            "layout": settings.PROMPTS,
        }
        about = sampling = None
        match step:
            case Reason(draft):
                name: prompts.Step = "reason"
                sampling = self._sampling(draft)
                prompt = prompts.render(self._subject, name, **form)
            case Reflect():
                name, about = "reflect", turns[step.about]
                prompt = prompts.render(self._subject, name, rationale=about.text, **form)
            case Refine():
                name, about = "refine", turns[step.about]
                critique = turns[step.critique].text
                prompt = prompts.render(self._subject, name, rationale=about.text, critique=critique, **form)
            case _:
                assert_never(step)
        data = f"{self._data}\n{about.text}" if isinstance(step, Reflect) and about else self._data
        asked = Asked(instructions=prompt.instructions, data=data)
        return self._repaired(_Question(role, name, index, prompt, asked, about, sampling=sampling))

    def _of_purpose(self, purpose: purposes.Purpose, step: Reason | Reflect | Refine) -> _Question:
        prompt = purpose.prompt(self._subject, step, self._values, self._llms["actor"].structured)
        asked = Asked(prompt.messages[0]["content"], prompt.messages[1]["content"])
        name: prompts.Step = "refine" if isinstance(step, Refine) else "reason"
        about = next((turn for turn in self._turns if turn.index == getattr(step, "about", None)), None)
        return self._repaired(_Question("actor", name, len(self._turns), prompt, asked, about))

    def _list_of(self, about: Turn) -> _Question:
        prompt = prompts.render_extraction(self._subject, about.text)
        if not self._llms["actor"].structured:
            prompt = replace(prompt, json_schema=None)
        return self._repaired(_Question("actor", "list", about.index, prompt, NOBODY, about))

    def _repaired(self, question: _Question) -> _Question:
        """Malformed answers come in pairs, the first and its repair; a retry by hand starts a new pair."""
        at = question.index, question.step, "malformed"
        malformed = [call for call in self._stored if (call.turn_index, call.step, call.error_kind) == at]
        if len(malformed) % 2 == 0:
            return question
        prompt = prompts.render_repair(question.prompt, malformed[-1].answer, malformed[-1].error)
        instructions = (
            f"{question.asked.instructions}\n{prompt.messages[-1]['content']}"  # small models repeat these too
        )
        return replace(question, prompt=prompt, asked=Asked(instructions, question.asked.data), repairs=True)

    def _sampling(self, draft: int | None) -> Sampling | None:
        """The same for the same draft of the same round, so that asking again after a failure asks the same."""
        if draft is None:
            return None
        seed = zlib.crc32(f"{self._round.pk}/{draft}".encode()) & 0x7FFFFFFF
        return Sampling(temperature=settings.DRAFT_TEMPERATURE, seed=seed)

    def _paid(self, question: _Question) -> LlmCall | None:
        """A stored answer to exactly this question that has become no turn, because the lease was lost."""
        messages = list(question.prompt.messages)
        for call in self._stored:
            if not call.error_kind and call.turn_index == question.index and call.messages == messages:
                return call
        return None

    async def _use(self, question: _Question, call: LlmCall) -> bool:
        self._stored.remove(call)
        try:
            turn = self._turn(question, call.answer, call.parameters)
        except MalformedAnswerError:
            return True  # it was readable once; ask again
        if turn is question.about:
            return await self._heard(turn)
        turn.call = call
        return await self._add(turn)

    async def _read(self, question: _Question, answer: Answer) -> bool:
        """Store an answer: as a turn if it can be read. False: stop."""
        call = self._call(question, answer)
        try:
            turn = self._turn(question, answer.text, answer.parameters)
        except MalformedAnswerError as error:
            call.error_kind, call.error = "malformed", str(error)
            self._stored.append(call)
            if not question.repairs:
                return await self._put(call=call)
            if question.step == "list":
                return await self._unheard(question, call)
            await self._rest(RestReason.MALFORMED, call=call)
            return False
        except Exception as error:
            call.error_kind, call.error = "permanent", _internal(error)
            await self._put(call=call, failure=call.error)
            raise
        return await (self._heard(turn, call=call) if turn is question.about else self._add(turn, call=call))

    async def _heard(self, turn: Turn, *, call: LlmCall | None = None) -> bool:
        """Store what a text states, and in the same transaction that the round rests, if it does. False: stop."""
        step = self._next_step(self._turns)
        if isinstance(step, Rest):
            await self._rest(step.reason, call=call, listed=turn)
            return False
        return await self._put(call=call, listed=turn)

    async def _unheard(self, question: _Question, call: LlmCall) -> bool:
        """The text stands without a list: what the app reads has to do."""
        assert question.about is not None
        question.about.listed = {"by": ListedBy.AFTERWARDS, "statements": [], "error": storable(call.error, 300)}
        return await self._heard(question.about, call=call)

    async def _add(self, turn: Turn, *, call: LlmCall | None = None) -> bool:
        """Store a turn, and in the same transaction that the round rests, if it does. False: stop."""
        step = self._next_step([*self._turns, turn])
        self._turns.append(turn)
        if isinstance(step, Rest):
            await self._rest(step.reason, call=call, turn=turn)
            return False
        self._attempts = 0
        return await self._put(call=call, turn=turn)

    async def _rest(
        self, reason: str, *, call: LlmCall | None = None, turn: Turn | None = None, listed: Turn | None = None
    ) -> None:
        ours = await self._put(call=call, turn=turn, rest=reason, listed=listed)
        if not ours or not self._strategy.proposed(turn_values(self._turns)):
            return
        try:
            await self._ledger.call(open_review, self._round)
        except DatabaseError:
            log.exception("The review of round %d could not be opened; the sweep will do it", self._round.pk)

    async def _wait(self, question: _Question, error: TransientLlmError) -> float | None:
        """Record a transient error. Seconds until the next attempt, or None: that was the last one."""
        self._attempts += 1
        call = self._failed_call(question, "transient", error)
        if self._attempts >= leases.MOST_ATTEMPTS:
            failure = f"Gave up after {self._attempts} attempts in a row. The last error: {error}"
            await self._put(call=call, failure=failure)
            return None
        seconds = leases.backoff(self._attempts, retry_after=error.retry_after)
        retry_at = timezone.now() + timedelta(seconds=seconds)
        ours = await self._put(call=call, retry_at=retry_at, error=str(error))
        return seconds if ours else None

    def _turn(self, question: _Question, text: str, parameters: Mapping[str, object]) -> Turn:
        """What an answer becomes; of a list, the turn that it is about. Raises MalformedAnswerError."""
        finish_reason = str(parameters.get("finish_reason", ""))
        verdict, said = "", None
        if question.step == "list":
            assert question.about is not None
            answer = listed.parse_list(text, finish_reason=finish_reason)
            question.about.listed = {"by": ListedBy.AFTERWARDS, "statements": [one.to_json() for one in answer]}
            return question.about
        if self._purpose is not None:
            text = self._purpose.read(text, self._subject, finish_reason, question.asked)
        elif question.step == "reflect":
            structured = parameters.get("response_format") == "json_schema"
            reflection = parsing.parse_reflection(
                text, structured=structured, finish_reason=finish_reason, asked=question.asked
            )
            text, verdict = reflection.critique, reflection.verdict
        else:
            if question.prompt.json_schema is not None and (beside := listed.beside_text(text)) is not None:
                said = {"by": ListedBy.WITH_TEXT, "statements": [one.to_json() for one in beside]}
            text = parsing.parse_rationale(
                text, subject_kind=self._subject.kind, finish_reason=finish_reason, asked=question.asked
            )
        return Turn(
            round=self._round,
            index=question.index,
            kind=question.step,
            text=text,
            text_hash=text_hash(text),
            verdict=verdict,
            about=question.about,
            listed=said,
        )

    def _call(self, question: _Question, answer: Answer) -> LlmCall:
        return LlmCall(
            round=self._round,
            role=question.role,
            step=question.step,
            turn_index=question.index,
            prompt_name=question.prompt.name,
            prompt_hash=question.prompt.hash,
            messages=list(question.prompt.messages),
            model=answer.model[:200],
            base_url=answer.base_url[:300],
            parameters=answer.parameters,
            answer=answer.text,
            request_id=answer.request_id,
            prompt_tokens=answer.prompt_tokens,
            cached_tokens=answer.cached_tokens,
            completion_tokens=answer.completion_tokens,
            latency_ms=answer.latency_ms,
        )

    def _failed_call(self, question: _Question, kind: str, error: LlmError) -> LlmCall:
        llm = self._llms[question.role]
        said = error.answer if isinstance(error, TransientLlmError) else ""
        parameters = llm.parameters(question.sampling)
        call = self._call(question, Answer(text=said, model=llm.model, base_url=llm.base_url, parameters=parameters))
        call.error_kind, call.error = kind, storable(str(error), 2000)
        return call

    async def _put(
        self,
        *,
        call: LlmCall | None = None,
        turn: Turn | None = None,
        rest: str = "",
        failure: str = "",
        retry_at: datetime | None = None,
        error: str = "",
        listed: Turn | None = None,
    ) -> bool:
        entry = Entry(self._round.pk, call, turn, rest, failure, retry_at, error, self._attempts, listed)
        return await self._ledger.put(entry)


def _internal(error: Exception) -> str:
    return f"Internal error: {type(error).__name__}: {storable(str(error), 300)}. The worker's log says more."
