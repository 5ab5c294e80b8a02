"""Why nothing can be answered right now, where it is not the program's fault: in words for whoever asked."""

import errno
import re

from django.db import DatabaseError, InterfaceError, OperationalError

AGAIN_IN = 30  # seconds after which to ask again
FULL = "The disk is full, so nothing was stored. Whoever runs R4Web has to free some space."
OF_ANOTHER_RELEASE = "The database is not the one of this release. Whoever runs R4Web has to run `manage.py migrate`."
BUSY = "The database is busy with something large, so nothing was stored."
AWAY = "The database does not answer."
SAID = (
    (re.compile(r"disk is full|No space left|could not (extend|write)|disk quota", re.IGNORECASE), FULL),
    (re.compile(r"no such (table|column)|(relation|column) .* does not exist"), OF_ANOTHER_RELEASE),
    (re.compile(r"is locked|lock timeout|deadlock"), BUSY),
)


def reason(error: BaseException | None) -> str:
    """A sentence or two; empty for a failure of the program."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FULL
    if not isinstance(error, DatabaseError | InterfaceError):
        return ""
    for pattern, words in SAID:
        if pattern.search(str(error)):
            return words
    return AWAY if isinstance(error, OperationalError | InterfaceError) else ""
