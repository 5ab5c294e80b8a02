"""How log lines are written. Whoever asks for long addresses makes no long log, and no line names an end user."""

import logging
import re

from recommender.api.middleware import request_id

LONGEST_LINE = 1_000  # characters
_NAMED = re.compile(r"(/(?:users|items|end_user|item)/)[^\s'\"?]+")
MOST_LINES = 200  # of one entry: the last lines of a traceback say what went wrong


class Line(logging.Formatter):
    """One entry, its long lines cut, and the first lines of a very long traceback left out."""

    def format(self, record: logging.LogRecord) -> str:
        first, *rest = super().format(record).split("\n")
        if len(rest) > MOST_LINES:
            rest = [f"… {len(rest) - MOST_LINES} lines left out", *rest[-MOST_LINES:]]
        return "\n".join(map(_cut, (first, *rest)))


def _cut(line: str) -> str:
    over = len(line) - LONGEST_LINE
    return f"{line[:LONGEST_LINE]}… ({over:,} characters more)" if over > 0 else line


class OfRequest(logging.Filter):
    """A line that is written while a request is answered names the request (X-Request-ID)."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request = f" [{request_id()}]" if request_id() else ""
        return True


class Unnamed(logging.Filter):
    """Django logs the address of what it refuses; there the id of an end user or item becomes an ellipsis."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if (unnamed := _NAMED.sub(r"\1…", said)) != said:
            record.msg, record.args = unnamed, ()
        return True
