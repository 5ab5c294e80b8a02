"""When it is tried again."""

from datetime import UTC, datetime

import pytest

from recommender.webhooks import schedule

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def test_the_schedule_is_the_suggested_one_and_ends() -> None:
    waits = [schedule.delay(attempt) for attempt in range(1, schedule.ATTEMPTS)]
    usual = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
    assert all(wait is not None and one <= wait <= 1.2 * one for one, wait in zip(usual, waits, strict=True))
    assert schedule.delay(schedule.ATTEMPTS) is None
    assert len({schedule.delay(2) for _ in range(20)}) > 1  # jitter


def test_what_the_receiver_asks_for_is_the_least() -> None:
    assert all(600 <= (schedule.delay(1, retry_after=600) or 0) <= 720 for _ in range(20))
    assert (schedule.delay(9, retry_after=1) or 0) >= 86_400


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120), (" 0 ", 0), ("Sun, 29 Nov 2026 12:02:00 GMT", 120), ("Sun, 29 Nov 2026 11:00:00 GMT", 0),
        ("9" * 30, 86_400), ("Tue, 29 Nov 2050 12:00:00 GMT", 86_400), (None, None), ("", None), ("soon", None),
        ("-5", None), ("1.5", None), ("\u0665", None),
    ],
)  # fmt: skip
def test_the_header_is_read_or_passed_over(header: str | None, seconds: float | None) -> None:
    assert schedule.retry_after_of(header, now=NOW) == seconds
