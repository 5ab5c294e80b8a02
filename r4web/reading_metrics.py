"""Texts that wait to be read for what they state, for `/metrics`."""

import logging
from collections.abc import Iterator

from django.db.utils import Error as DatabaseError
from prometheus_client.core import GaugeMetricFamily

from recommender.process_cache import ProcessCache
from recommender.statements import again
from recommender.statements.again import Waiting
from reviews.room import reading

log = logging.getLogger(__name__)

KEPT_FOR = 60.0  # seconds; workers read every minute
KEPT: ProcessCache[str, Waiting] = ProcessCache("texts to read", most=1)


class Texts:
    """Counted in the database when somebody reads them."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield _family()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Nothing while the database does not answer."""
        try:
            waiting = KEPT.get("all", lambda: again.waiting(reading.stale()), fresh_for=lambda took: KEPT_FOR)
        except DatabaseError as error:
            log.warning("How many texts wait to be read is not known", exc_info=error)
            return
        family = _family()
        for state in ("new", "again", "kept"):
            family.add_metric([state], getattr(waiting, state))
        yield family


TEXTS = Texts()


def _family() -> GaugeMetricFamily:
    said = "Texts that wait to be read, or read again, for what they state, and those kept as people left them."
    return GaugeMetricFamily("r4web_texts_to_read", said, labels=["state"])
