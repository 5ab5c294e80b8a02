"""What is written to the logs, by the handler that the settings name."""

import logging
import logging.config
import sys

import pytest
from django.conf import settings
from django.test import Client

from r4web import logs


@pytest.fixture
def formatter() -> logging.Formatter:
    assert settings.LOGGING["formatters"]["line"]["()"] == "r4web.logs.Line"
    return logs.Line("{levelname} {message}", style="{")


@pytest.mark.django_db
def test_long_addresses_make_a_short_log(
    client: Client, formatter: logging.Formatter, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        assert client.get("/" + "a" * 60_000).status_code == 404
    written = [formatter.format(record) for record in caplog.records]
    assert len(written) == 5
    assert max(map(len, written)) < 1_100
    assert written[0].endswith("characters more)")


def test_a_long_message_inside_a_traceback_is_cut_and_its_end_is_kept(formatter: logging.Formatter) -> None:
    try:
        raise ValueError("b" * 50_000 + "\n" * 5_000 + "the end")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "It failed", None, sys.exc_info())
    written = formatter.format(record)
    assert written.startswith("ERROR It failed\n")
    assert written.endswith("the end")
    assert "lines left out" in written
    assert len(written) < 10_000
