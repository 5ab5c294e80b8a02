"""Connections that are known to live without a round trip.

Django asks `SELECT 1` before the first query of every request, since PostgreSQL may have closed a kept connection
meanwhile: a second round trip for what one query answers. Where the server ended it, by a restart, a timeout or
pg_terminate_backend, the operating system knows: what was said last, and the end, lie ready to be read, while a living
connection that nobody asks has nothing to say. Only a network that lost the connection without a word is not seen so.
It does that to those that were quiet for a while, which are asked as Django has it.
"""

import select
import time

from django.db.backends.postgresql import base

QUIET = 1.0  # seconds since its last query began, after which a connection is asked


class DatabaseWrapper(base.DatabaseWrapper):
    health_check_done: bool
    _used_at = -QUIET  # by time.monotonic

    def close_if_health_check_failed(self) -> None:
        """Called before every query; it is checked before the first one of a request."""
        if self.connection is not None and not self.health_check_done and self._is_heard_of():
            self.health_check_done = True
        super().close_if_health_check_failed()
        self._used_at = time.monotonic()

    def _is_heard_of(self) -> bool:
        """Whether it was used just now, and nothing came since, not even its end."""
        if time.monotonic() - self._used_at >= QUIET or self.connection.closed:
            return False
        waiting = select.poll()
        waiting.register(self.connection.fileno(), select.POLLIN)
        return not waiting.poll(0)
