"""Nothing is sent to what is not public, however it is written."""

import asyncio
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from recommender.webhooks import guard, sending
from recommender.webhooks.guard import RefusedUrlError
from tests import webhook_receiver
from tests.webhook_receiver import Reply


@pytest.fixture(autouse=True)
def as_by_default(settings: Any) -> None:
    settings.WEBHOOK_HTTP, settings.WEBHOOK_NETWORKS = False, []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "100.127.255.255", "192.0.0.192", "192.0.2.1",
        "192.88.99.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1",
        "255.255.255.255", "168.63.129.16",
        "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1", "100::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::1", "2002:a00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not guard.is_allowed(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(RefusedUrlError, match="no public address"):
        guard.parsed(f"https://{host}/")


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_what_is_public_is_not(address: str) -> None:
    assert guard.is_allowed(ip_address(address))


def test_what_the_operator_lists_is_allowed_and_no_more(settings: Any) -> None:
    settings.WEBHOOK_NETWORKS = [ip_network("10.1.0.0/16"), ip_network("fd12::/16")]
    allowed = {one for one in ("10.1.2.3", "10.2.0.1", "fd12::1", "fd13::1") if guard.is_allowed(ip_address(one))}
    assert allowed == {"10.1.2.3", "fd12::1"}
    assert guard.is_allowed(ip_address("::ffff:10.1.2.3"))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://shop.example/", "https://"),
        ("ftp://shop.example/", "must be whole"),
        ("https://", "must be whole"),
        ("//shop.example/", "must be whole"),
        ("https://user:word@shop.example/", "no name and no password"),
        ("https://shop.example@10.0.0.1/", "no name and no password"),
        ("https://shop.example/#part", "after #"),
        ("https://shop.example:99999/", "port"),
        ("https://shop.example:0/", "must be whole"),
        ("https://shop.example/a b", "without spaces"),
        ("https://shop.example/\r\nX: y", "without spaces"),
        ("https://shop.example\\@10.0.0.1/", "without spaces"),
        ("https://bücher.example/", "ASCII"),
        ("https://shop.example/" + "x" * 500, "500 characters"),
    ],
)
def test_an_address_that_is_none_is_told_why(url: str, why: str) -> None:
    with pytest.raises(RefusedUrlError, match=why):
        guard.parsed(url)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "0xa9.0xfe.0xa9.0xfe", "10.1."])
def test_an_address_as_resolvers_read_it_is_refused_when_it_is_added(host: str) -> None:
    with pytest.raises(RefusedUrlError, match="no public address"):
        guard.parsed(f"https://{host}/")


def test_a_name_that_is_never_public_is_refused_when_it_is_added_unless_a_network_is_listed(settings: Any) -> None:
    for host in ("localhost", "api.localhost.", "printer.local", "metadata.google.internal"):
        with pytest.raises(RefusedUrlError, match="no public name"):
            guard.parsed(f"https://{host}/")
    assert guard.parsed("https://local.example/").hostname == "local.example"
    settings.WEBHOOK_NETWORKS = [ip_network("10.1.0.0/16")]
    assert guard.parsed("https://receiver.local/").hostname == "receiver.local"


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
def test_nothing_is_sent_to_a_name_that_means_this_machine(host: str, settings: Any) -> None:
    settings.WEBHOOK_HTTP = True
    with webhook_receiver.running() as receiver:
        port = receiver.url.rpartition(":")[2]
        answer = sending.post(f"http://{host}:{port}", {}, b"{}")
    assert answer.status is None
    assert "is no public" in answer.error
    assert not receiver.received


def test_of_a_name_with_several_addresses_the_public_ones_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was looked up is what is connected to: there is no second look-up."""
    asked = []

    async def answers(self: Any, host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(None, None, None, "", (each, port)) for each in ("10.0.0.1", "1.1.1.1", "fe80::1%eth0", "1.1.1.1")]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", answers)
    assert asyncio.run(guard.addresses_of("shop.example", 443)) == ["1.1.1.1"]
    assert asked == ["shop.example"]


def test_a_name_that_changes_its_address_is_connected_to_where_it_was_judged(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the first answer is allowed, every later one is another receiver's on this machine."""
    settings.WEBHOOK_HTTP, settings.WEBHOOK_NETWORKS = True, [ip_network("127.0.0.1")]
    usual, asked = asyncio.base_events.BaseEventLoop.getaddrinfo, []

    async def rebinding(self: Any, host: str, port: int, **more: Any) -> Any:
        if host != "rebinding.example":
            return await usual(self, host, port, **more)
        asked.append(host)
        return await usual(self, "127.0.0.1" if len(asked) == 1 else "127.0.0.2", port, **more)

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", rebinding)
    with webhook_receiver.running() as receiver:
        port = receiver.url.rpartition(":")[2]
        assert sending.post(f"http://rebinding.example:{port}", {}, b"{}").status == 204
        (first,) = receiver.received
        assert first.headers["host"].startswith("rebinding.example:")
        assert len(asked) == 1
        again = sending.post(f"http://rebinding.example:{port}", {}, b"{}")
    assert "127.0.0.2 is no public address" in again.error
    assert len(receiver.received) == 1


def test_a_redirect_is_not_followed(settings: Any) -> None:
    settings.WEBHOOK_HTTP, settings.WEBHOOK_NETWORKS = True, [ip_network("127.0.0.1")]
    with webhook_receiver.running() as inside:
        for status in (301, 302, 303, 307, 308):
            reply = Reply(status, {"Location": inside.url})
            with webhook_receiver.running(reply) as receiver:
                answer = sending.post(receiver.url, {}, b"{}")
            assert (answer.status, answer.succeeded) == (status, False)
            assert "redirect" in answer.error
    assert not inside.received


def test_no_proxy_of_the_environment_is_asked(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOK_HTTP, settings.WEBHOOK_NETWORKS = True, [ip_network("127.0.0.1")]
    with webhook_receiver.running() as proxy, webhook_receiver.running() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert sending.post(receiver.url, {}, b"{}").succeeded
    assert not proxy.received
