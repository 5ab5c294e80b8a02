"""Where what is counted over a whole catalog is read: from the replica that DATABASE_REPLICA_URL names, if it may be.

A replica lags behind, and no list may. So all that a request is answered by comes from the primary: a few rows by
index, and with them the catalog's stamps and counters. What is left is what costs a database most: counts over all
interactions, end users or logged lists, which are told to be of a minute ago or so, and to which a request adds the
rows that came since (serving.catalog_index). They are read from the replica where it knows of the catalog what the
caller does: the same erasures, and the stamps that the count hangs on. A replica only goes forward, so what it knew
when it was asked it knows while it counts. Where it lags more, or does not answer, the primary counts.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections

from recommender.counters import REPLICA_READS
from recommender.models import Catalog, CatalogStamp

REPLICA = "replica"
PAUSE = 10.0  # seconds in which one that did not answer is not asked again
Value = TypeVar("Value")
log = logging.getLogger(__name__)
_away_until = 0.0  # by time.monotonic


def counted(catalog: Catalog, count: Callable[[str], Value], *, stamps: Sequence[str] = ()) -> Value:
    """What `count` makes, told the alias that it is to read from.

    `stamps`: names of those that must be there as they are on the primary. Inside a transaction, which sees what nobody
    else does, the primary counts.
    """
    if REPLICA not in connections.databases or connections[DEFAULT_DB_ALIAS].in_atomic_block:
        return count(DEFAULT_DB_ALIAS)
    outcome = "away"
    if time.monotonic() >= _away_until:
        try:
            if _knows(catalog, stamps):
                value = count(REPLICA)
                REPLICA_READS.labels("replica").inc()
                return value
            outcome = "behind"
        except (OperationalError, InterfaceError) as error:  # also a query that it ended to catch up
            _leave_alone(error)
    REPLICA_READS.labels(outcome).inc()
    return count(DEFAULT_DB_ALIAS)


def _knows(catalog: Catalog, stamps: Sequence[str]) -> bool:
    """Whether what was erased is gone there too, and what these stamps tell of is as on the primary."""
    there = Catalog.objects.using(REPLICA).filter(
        pk=catalog.pk, created_at=catalog.created_at, erasures=catalog.erasures
    )
    if not stamps:
        return there.exists()
    here = CatalogStamp.objects.using(DEFAULT_DB_ALIAS).filter(catalog=catalog.pk).values_list(*stamps).first()
    return here is not None and here == there.values_list(*(f"stamp__{name}" for name in stamps)).first()


def _leave_alone(error: Exception) -> None:
    global _away_until
    _away_until = time.monotonic() + PAUSE
    connections[REPLICA].close()
    log.warning("The replica does not answer (%s): the primary counts for %.0f s.", error, PAUSE)
