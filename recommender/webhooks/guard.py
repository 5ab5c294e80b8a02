"""Which addresses a webhook may be sent to: public ones, and what the operator lists (R4_WEBHOOK_NETWORKS).

Whoever may add an endpoint could otherwise have this machine ask its own network: databases, the cloud's metadata. A
name is looked up once for an attempt, and what is connected to is the very address that was judged, so that a name
that answers differently the second time gains nothing.
"""

import asyncio
import re
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from recommender.models.webhooks import LONGEST_URL

Address = IPv4Address | IPv6Address
PORTS = {"https": 443, "http": 80}
# Beside what Python knows to be private, link-local, multicast, reserved or without a meaning: what releases of Python
# do not agree on (RFC 6890 and its updates), and an address of a cloud's metadata that looks public.
REFUSED = [
    ip_network(each)
    for each in (
        *("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4"),
        "168.63.129.16/32",  # Azure
        *("64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10"),
    )
]
NEVER_PUBLIC = ("localhost", "local", "internal")  # RFC 6761, RFC 6762, and what ICANN keeps for private use
HOW_TO_ALLOW = "Whoever runs R4Web can list its network in R4_WEBHOOK_NETWORKS."
NAT64 = ip_network("64:ff9b::/96")  # an IPv4 address in its last 32 bits (RFC 6052)
_PRINTABLE = re.compile(r"[!-~]+")


class RefusedUrlError(Exception):
    """Nothing may be sent to this address; the message says why and what to do."""


def parsed(url: str) -> SplitResult:
    """The parts of an address that may be told of events. Raises RefusedUrlError.

    Who a name belongs to is not asked here: that may change, and is asked at each attempt.
    """
    if len(url) > LONGEST_URL:
        raise RefusedUrlError(f"The address may have {LONGEST_URL} characters.")
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise RefusedUrlError("The address may hold ASCII characters without spaces: write others percent-encoded.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RefusedUrlError("The address cannot be read: is its port a number?") from None
    if parts.scheme == "http" and not settings.WEBHOOK_HTTP:
        raise RefusedUrlError("The address must begin with https://; R4_WEBHOOK_HTTP=1 lets http:// be sent to.")
    if parts.scheme not in PORTS or not parts.hostname or port == 0:
        raise RefusedUrlError("The address must be whole, as https://shop.example/webhooks.")
    if "@" in parts.netloc:
        raise RefusedUrlError("The address may hold no name and no password: messages are signed.")
    if "#" in url:
        raise RefusedUrlError("The address may have no part after #: it is never sent.")
    literal = _literal(parts.hostname)
    if literal is not None and not is_allowed(literal):
        raise RefusedUrlError(_refusal([literal]))
    if parts.hostname.rstrip(".").split(".")[-1] in NEVER_PUBLIC and not settings.WEBHOOK_NETWORKS:
        raise RefusedUrlError(f"{parts.hostname} is no public name. {HOW_TO_ALLOW}")
    return parts


def is_allowed(address: Address) -> bool:
    """Whether it is public, whatever it is wrapped in, or the operator lists it."""
    inner = unwrapped(address)
    if any(each in network for each in (address, inner) for network in settings.WEBHOOK_NETWORKS):
        return True
    return all(_is_public(each) for each in {address, inner})


def unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for (mapped, 6to4, Teredo, NAT64), else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    if address.teredo:
        return address.teredo[1]
    compatible = int(address) >> 32 == 0 and int(address) > 1  # ::a.b.c.d, which no network routes any more
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 or compatible else address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return True  # what it stands for is judged
    if address in NAT64:
        return True
    is_special = not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified
    return not is_special and not any(address in network for network in REFUSED)


async def addresses_of(host: str, port: int) -> Sequence[str]:
    """Those of a host that may be connected to, in the resolver's order. Raises RefusedUrlError where none may be."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise RefusedUrlError(f"The name {host} has no address.") from None
    numbers = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
    judged = [(number, ip_address(number.partition("%")[0])) for number in numbers]
    allowed = [number for number, address in judged if "%" not in number and is_allowed(address)]
    if not allowed:
        raise RefusedUrlError(_refusal([address for _, address in judged]))
    return allowed


def _literal(host: str) -> Address | None:
    """The address that a host is written as; resolvers read 127.1, 0x7f000001, 2130706433 and 0177.0.0.1 as one."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, ValueError):
        return None


def _refusal(addresses: Sequence[Address]) -> str:
    said = ", ".join(str(address) for address in addresses[:3])
    return f"{said} is no public address. {HOW_TO_ALLOW}"
