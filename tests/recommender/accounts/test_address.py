"""Where a request comes from, directly and behind proxies."""

from typing import Any

import pytest
from django.test import RequestFactory

from recommender.accounts.address import address_of, network_of


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "198.51.100.7", "192.0.2.1"),  # nobody may say so
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "203.0.113.9, 198.51.100.7", "198.51.100.7"),  # what is left of it the caller wrote
        (2, "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        (2, "198.51.100.7", "192.0.2.1"),  # it did not come through both
        (1, "198.51.100.7:4711", "198.51.100.7"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "::ffff:198.51.100.7", "198.51.100.7"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "unknown", None),
    ],
)
def test_the_address_of_a_request(settings: Any, proxies: int, forwarded: str, expected: str | None) -> None:
    settings.PROXIES = proxies
    request = RequestFactory(REMOTE_ADDR="192.0.2.1").get("/", headers={"X-Forwarded-For": forwarded})
    assert address_of(request) == expected


@pytest.mark.parametrize(
    ("sent_from", "expected"), [("2001:db8:1:2:3::4", "2001:db8:1:2::"), ("192.0.2.1", "192.0.2.1"), ("", None)]
)
def test_wrong_sign_ins_are_counted_by_network(sent_from: str, expected: str | None) -> None:
    assert network_of(RequestFactory(REMOTE_ADDR=sent_from).get("/")) == expected
