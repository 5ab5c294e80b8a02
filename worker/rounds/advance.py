"""Advance a chunk of rounds: decide purely, ask outside any transaction, store under the lease, go on."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from uuid import uuid4

from recommender.llm.client import OpenAiLlm
from recommender.llm.types import Role
from recommender.models import Round
from recommender.rounds import leases
from worker.rounds.ledger import Ledger
from worker.rounds.turns import Llms, TurnMaker

log = logging.getLogger(__name__)

PATIENCE = 20.0  # seconds a chunk waits for one of its rounds; longer waits are the sweep's
ROLES: tuple[Role, ...] = ("actor", "reflector")


async def advance(round_ids: Sequence[int]) -> None:
    """Take these rounds as far as they go: until they rest, fail, or have to wait for longer.

    Rounds that another worker holds, or that are not due, are left alone, so it may run twice.
    """
    token = uuid4().hex
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(Ledger(token))
        taken = await ledger.call(leases.take, list(round_ids), token=token)
        if not taken:
            return
        llms = {role: await stack.enter_async_context(OpenAiLlm(role)) for role in ROLES}
        outcomes = await asyncio.gather(
            *(_advance(round_, token=token, ledger=ledger, llms=llms) for round_ in taken), return_exceptions=True
        )
    for round_, outcome in zip(taken, outcomes, strict=True):
        if isinstance(outcome, Exception):
            log.error("Round %d could not be stored; the sweep will find it", round_.pk, exc_info=outcome)


async def _advance(round_: Round, *, token: str, ledger: Ledger, llms: Llms) -> None:
    while True:
        wait = await TurnMaker(round_, ledger=ledger, llms=llms).until_it_stops()
        if wait is None or wait > PATIENCE:
            return
        await asyncio.sleep(wait + 0.01)
        again = await ledger.call(leases.take, [round_.pk], token=token)
        if not again:
            return  # another worker was faster
        round_ = again[0]
