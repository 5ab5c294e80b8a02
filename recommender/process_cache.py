"""Values that are costly to make, kept by a process and shared by its threads."""

import math
import threading
import time
from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from recommender.counters import CACHES

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Aside = Callable[[Callable[[], object]], bool | None]


class ProcessCache(Generic[Key, Value]):
    """Keeps at most `most` values by key; the one that was used longest ago makes room. `name`: for those who count.

    One thread makes a value while the others that want it wait. A stale value is made anew in the same way, but the
    others go on with the stale one. An error reaches whoever was making the value, and nothing is kept of it.
    """

    def __init__(self, name: str, *, most: int) -> None:
        self._most = most
        self._found, self._made = (CACHES.labels(name, outcome) for outcome in ("found", "made"))
        self._lock = threading.Lock()
        self._entries: dict[Key, _Entry[Value]] = {}  # the one used last comes last

    def get(
        self,
        key: Key,
        make: Callable[[], Value],
        *,
        fresh_for: Callable[[float], float] = lambda seconds: math.inf,
        aside: Aside = lambda work: False,
    ) -> Value:
        """The value of `key`. `fresh_for`: for how many seconds a value is fresh that took so many to make.

        `aside`: has a stale value made anew elsewhere, so that nobody waits; None where it is not to be made now; False
        where the caller has to make it.
        """
        entry = self._entry(key)
        kept = entry.kept
        if kept is not None and time.monotonic() < kept[1]:
            self._found.inc()
            return kept[0]
        if not entry.making.acquire(blocking=kept is None):
            assert kept is not None, "without a value the thread waits"
            self._found.inc()
            return kept[0]
        if kept is not None and self._handed_over(entry, make, fresh_for, aside):
            self._found.inc()
            return kept[0]
        return self._make(entry, make, fresh_for)

    def soon(
        self,
        key: Key,
        make: Callable[[], Value],
        *,
        seconds: float,
        fresh_for: Callable[[float], float] = lambda seconds: math.inf,
        aside: Aside,
    ) -> Value | None:
        """As `get`, but nobody waits longer than so many seconds for a first value, and who finds it being made not at
        all: None until it is there, and where it is not to be made now."""
        entry = self._entry(key)
        if entry.kept is None and entry.making.acquire(blocking=False):
            if entry.kept is not None or not self._handed_over(entry, make, fresh_for, aside):
                return self._make(entry, make, fresh_for)
            if entry.making.acquire(timeout=seconds):
                entry.making.release()
        return None if entry.kept is None else self.get(key, make, fresh_for=fresh_for, aside=aside)

    def _handed_over(
        self,
        entry: "_Entry[Value]",
        make: Callable[[], Value],
        fresh_for: Callable[[float], float],
        aside: Aside,
    ) -> bool:
        """Whether whoever holds `entry.making` is rid of it: the value is made aside, or not now."""
        try:
            taken = aside(partial(self._make, entry, make, fresh_for))
        except BaseException:
            entry.making.release()
            raise
        if taken is None:
            entry.making.release()
        return taken is not False

    def _make(self, entry: "_Entry[Value]", make: Callable[[], Value], fresh_for: Callable[[float], float]) -> Value:
        """By whoever holds `entry.making`, which is let go of."""
        try:
            kept = entry.kept
            if kept is None or time.monotonic() >= kept[1]:
                began = time.monotonic()
                value = make()
                self._made.inc()
                ended = time.monotonic()
                kept = entry.kept = (value, ended + fresh_for(ended - began))
            else:
                self._found.inc()
            return kept[0]
        finally:
            entry.making.release()

    def renew(self, key: Key, value: Value, renewed: Callable[[Value], Value]) -> Value:
        """What becomes of a value that lacks something: `renewed` of the kept one, or of `value` where none is kept.

        It stays fresh for as long as the kept one was to. One thread at a time: the others then find it renewed.
        """
        entry = self._entry(key)
        with entry.renewing:
            kept = entry.kept
            new = renewed(value if kept is None else kept[0])
            if kept is not None and entry.kept is kept:
                entry.kept = (new, kept[1])
        return new

    def standing(self, key: Key) -> tuple[object, float]:
        """What tells whether the value of `key` was made anew since, and until when by `time.monotonic` it is used.

        Infinity for one that nobody uses: none is kept, or it is stale and nobody makes it anew.
        """
        with self._lock:
            entry = self._entries.get(key)
        kept = entry.kept if entry else None
        if entry is None or kept is None:
            return None, math.inf
        if time.monotonic() < kept[1]:
            return kept, kept[1]
        return kept, -math.inf if entry.making.locked() else math.inf

    def last(self, key: Key) -> Value | None:
        """The kept value, be it stale; None where none is kept. For whoever makes it anew."""
        with self._lock:
            entry = self._entries.get(key)
        kept = entry.kept if entry else None
        return kept[0] if kept else None

    def clear(self) -> None:
        """Make every value again at its next use."""
        with self._lock:
            self._entries.clear()

    def drop(self, unwanted: Callable[[Key], bool]) -> None:
        """Let go of the values of these keys; whoever uses one now may go on with it."""
        with self._lock:
            for key in [key for key in self._entries if unwanted(key)]:
                del self._entries[key]

    def _entry(self, key: Key) -> "_Entry[Value]":
        with self._lock:
            entry = self._entries.pop(key) if key in self._entries else _Entry[Value]()
            self._entries[key] = entry
            if len(self._entries) > self._most:
                del self._entries[next(iter(self._entries))]
            return entry


class _Entry(Generic[Value]):
    """`kept`: the value, and until when it is fresh by `time.monotonic`; None before it was made."""

    def __init__(self) -> None:
        self.making, self.renewing = threading.Lock(), threading.Lock()
        self.kept: tuple[Value, float] | None = None
