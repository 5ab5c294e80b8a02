from datetime import UTC, datetime

import pytest
from r4web_client import AsyncClient, Client, Retries
from r4web_client.retries import NEVER, seconds

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def test_waits_double_with_a_part_left_to_chance_up_to_the_most() -> None:
    retries = Retries(tries=6, first=1.0, most=4.0)
    assert [retries.wait(tried, 0, chance=lambda: 1.0) for tried in range(1, 7)] == [1, 2, 4, 4, 4, None]
    assert [retries.wait(tried, 0, chance=lambda: 0.0) for tried in (1, 2)] == [0.5, 1]


def test_the_server_s_word_counts_unless_patience_ends() -> None:
    retries = Retries(patience=60.0)
    waits = retries.wait(1, 0, 17.0)
    assert waits is not None
    assert 17 <= waits < 17.1
    assert retries.wait(1, 50.0, 17.0) is None
    assert NEVER.wait(1, 0, 0.0) is None


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_an_address_without_its_scheme_is_refused_at_once(client: type[Client | AsyncClient]) -> None:
    with pytest.raises(ValueError, match=r"https:// or http://; this one is 'shop\.example:8000'"):
        client("shop.example:8000", "r4_key")


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize("token", ["", "r4_key\n", " r4_key", "r4_kéy"])
def test_a_token_that_no_header_may_hold_is_refused_at_once_and_told_to_nobody(
    client: type[Client | AsyncClient], token: str
) -> None:
    with pytest.raises(ValueError, match="strip it") as refused:
        client("http://127.0.0.1:9", token)
    assert "r4_k" not in str(refused.value)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (None, None),
        ("17", 17.0),
        ("0", 0.0),
        ("Sun, 29 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 29 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(sent: str | None, read: float | None) -> None:
    assert seconds(sent, now=NOW) == read
