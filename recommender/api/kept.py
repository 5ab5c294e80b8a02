"""Answers that a process keeps, so that the same question is answered at once, and never by what is no longer so.

What a list hangs on, and how each of it is known to be as it was:

- who asks: the token, its scopes and its catalogs are checked before, at every request, and are in no answer;
- all that is asked for: the key;
- the end user's row and the catalog's, in which settings, business rules, experiments and erasures are told or counted:
  read with every request and compared;
- items, versions, rollouts, knowledge, snapshots, statements, scored lists, rounds, turns, disputes: the catalog's
  stamps, which the database draws anew in the transaction that writes (stamps.triggers), read in the same query;
- interactions: `Catalog.changes`. Where it grew, the end user's history is read again and compared; a list that goes by
  what others met is made again;
- settings of the process: they stay while it lives, but for those that tests change: compared;
- the clock: rules that end, interactions that are still to come, and what the process reads of a catalog only now and
  then (serving.lasting).

Nothing is kept inside a transaction, for visitors, of lists that are logged, of later pages, of a segment's lists, of
lists that an experiment mixes, and where an LLM may be asked meanwhile. R4_ANSWERS_MB bounds the bytes of all answers;
0: none is kept.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from recommender.api.resource import Body
from recommender.counters import CACHES, LISTS
from recommender.models import Catalog, EndUser
from recommender.serving.lasting import history_is
from recommender.serving.served import Lasting, Served
from recommender.serving.whom import Whom
from recommender.stamps import kept

LEAST = 1_000  # bytes that an answer counts with at least: its key and what is compared take some too
Key = tuple[Hashable, ...]
Made = tuple[Served, Body]


@dataclass(frozen=True, slots=True)
class _Kept:
    """`basis`: what must be equal. `changes`: the catalog's when the history was last looked at. `counted_as`: the
    labels of its count."""

    body: Body
    basis: tuple[object, ...]
    changes: int
    lasting: Lasting
    counted_as: tuple[str, ...]

    @property
    def size(self) -> int:
        return LEAST + len(self.body.content)


class Answers:
    """The bodies used last, by key. Threads share them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[Key, _Kept] = OrderedDict()
        self._size = 0
        self._erasures: dict[int, int] = {}  # of catalogs, as last seen
        self._found, self._made = (CACHES.labels("answers", outcome) for outcome in ("found", "made"))

    def get(self, whom: Whom, asked: Mapping[str, Any], make: Callable[[], Made]) -> Body:
        """The body of what `make` would make now. `whom` was read for this request."""
        basis = _basis(whom, explained=asked["explain"] != "none") if _may_be_kept(asked) else None
        if basis is None or not isinstance(whom, EndUser):
            return make()[1]
        self._forget_erased(whom.catalog)
        key = (whom.catalog_id, whom.pk, *((name, _hashable(asked[name])) for name in sorted(asked)))
        found = self._standing(key, whom, basis, as_of=asked.get("as_of"))
        if found is not None:
            self._found.inc()
            LISTS.labels(*found.counted_as).inc()
            return found.body
        served, body = make()
        self._made.inc()
        if served.lasting is not None and served.lasting.until > time.time():
            self._keep(key, _Kept(body, basis, whom.catalog.changes, served.lasting, served.counted_as))
        return body

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._size = 0

    def _standing(self, key: Key, whom: EndUser, basis: tuple[object, ...], *, as_of: Any) -> _Kept | None:
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
        if found is None or found.basis != basis or time.time() >= found.lasting.until:
            return None
        changes = whom.catalog.changes
        if found.changes == changes:
            return found
        if found.lasting.counted or as_of is not None or not history_is(found.lasting, whom, as_of=None):
            return None
        found = replace(found, changes=changes)
        self._keep(key, found)
        return found

    def _forget_erased(self, catalog: Catalog) -> None:
        """What was made before an erasure leaves memory."""
        if self._erasures.get(catalog.pk) == catalog.erasures:
            return
        with self._lock:
            self._erasures[catalog.pk] = catalog.erasures
            for key in [key for key in self._entries if key[0] == catalog.pk]:
                self._size -= self._entries.pop(key).size

    def _keep(self, key: Key, new: _Kept) -> None:
        most = settings.ANSWERS_MB * 2**20
        with self._lock:
            before = self._entries.pop(key, None)
            self._size -= before.size if before else 0
            if new.size > most // 8:
                return
            self._entries[key] = new
            self._size += new.size
            while self._size > most:
                _, gone = self._entries.popitem(last=False)
                self._size -= gone.size


ANSWERS = Answers()


def _may_be_kept(asked: Mapping[str, Any]) -> bool:
    if not settings.ANSWERS_MB or "cursor" in asked:
        return False
    return asked["scenario"] != "thinkrec" or settings.THINKREC_SECONDS <= 0


def _basis(whom: Whom, *, explained: bool) -> tuple[object, ...] | None:
    """None where nothing tells whether a list is still so."""
    stamp = kept.of(whom.catalog)
    if stamp is None or not isinstance(whom, EndUser):
        return None
    rows = (stamp.items, stamp.versions, stamp.said, stamp.rounds if explained else None)
    own = (whom.external_id, whom.attributes)
    return (kept.face(whom.catalog), rows, own, settings.STEERING, settings.ENCODER, settings.THINKREC_SECONDS)


def _hashable(value: Any) -> Hashable:
    return tuple(value) if isinstance(value, list) else value
