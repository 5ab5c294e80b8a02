"""Who wants to know when a guard is broken: functions that are called once it is committed.

Register in `AppConfig.ready`. The audit log has the same event (AuditEvent.GUARD_BROKEN) for whoever reads rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from recommender.models import Watch


@dataclass(frozen=True, slots=True)
class Broken:
    """`said`: which guards, with their figures, and what was done, in a plain sentence."""

    catalog: str
    version: int
    is_canary: bool
    rolled_back: bool
    said: str


Subscriber = Callable[[Broken], object]
_SUBSCRIBERS: list[Subscriber] = []


def subscribe(subscriber: Subscriber) -> Subscriber:
    """Call it with every broken guard from now on, in the process that found it."""
    _SUBSCRIBERS.append(subscriber)
    return subscriber


def unsubscribe(subscriber: Subscriber) -> None:
    _SUBSCRIBERS.remove(subscriber)


def tell(watch: Watch, *, rolled_back: bool, said: str) -> None:
    """Tell all subscribers on commit; one that raises is logged, and keeps nobody from hearing of it."""
    version = watch.version
    broken = Broken(version.catalog.name, version.number, watch.is_canary, rolled_back, said)
    for subscriber in _SUBSCRIBERS:
        transaction.on_commit(_named(partial(subscriber, broken)), robust=True)


def _named(call: Callable[[], object]) -> Callable[[], None]:
    def told() -> None:  # a partial has no name, which Django's robust callbacks want when they log
        call()

    return told
