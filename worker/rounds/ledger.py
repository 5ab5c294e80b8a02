"""The database seen from an event loop: one thread, steps stored in small batches as they arrive.

While a batch is being written the next one gathers, so under load one transaction carries many steps, and a step
alone waits for nobody.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, Self, TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections, connections

from recommender.rounds import leases
from recommender.rounds.leases import Entry

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)

MOST_ENTRIES = 100  # of one transaction
TRIES = 6  # a paid answer is worth waiting for a database that is busy or restarts
SECONDS_BETWEEN_TRIES = 2.0
RENEW_SECONDS = leases.LEASE.total_seconds() / 5


class Ledger:
    """One lease's access to the database: an async context manager that renews the lease and gives it back."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self._gathered: list[tuple[Entry, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._renewing = asyncio.create_task(self._renew())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._renewing is not None
        self._renewing.cancel()
        await asyncio.gather(self._renewing, return_exceptions=True)
        try:
            await self.call(leases.release, token=self._token)
        finally:
            # Django's connections belong to threads: this thread closes its own.
            await asyncio.get_running_loop().run_in_executor(self._thread, connections.close_all)
            self._thread.shutdown()

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that uses the database, in the database's thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: _patiently(function, *args, **kwargs)
        )

    async def put(self, entry: Entry) -> bool:
        """Store a step. False: the round is no longer ours."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._gathered.append((entry, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await future

    async def _write(self) -> None:
        while self._gathered:
            batch, self._gathered = self._gathered[:MOST_ENTRIES], self._gathered[MOST_ENTRIES:]
            try:
                outcomes = await self.call(leases.store, [entry for entry, _ in batch], token=self._token)
            except Exception as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), ours in zip(batch, outcomes, strict=True):
                    if not future.done():
                        future.set_result(ours)
        self._writing = None

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self.call(leases.renew, token=self._token)
            except (OperationalError, InterfaceError):
                log.warning("Leases could not be renewed now", exc_info=True)


def _patiently(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call again when the database is busy or was restarted. Every function given is safe to run again."""
    for tries_left in range(TRIES - 1, -1, -1):
        try:
            return function(*args, **kwargs)
        except (OperationalError, InterfaceError) as error:
            if not tries_left:
                raise
            log.warning("The database did not take a step, trying again: %s", error)
            close_old_connections()
            time.sleep(SECONDS_BETWEEN_TRIES)
    raise AssertionError("the last try returns or raises")
