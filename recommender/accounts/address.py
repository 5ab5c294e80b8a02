"""Where a request comes from: the address it was sent from, or behind proxies the one that the trusted ones name."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

NETWORK = 64  # bits: of IPv6 one household has so many addresses that each counts as all of them
WITH_PORT = re.compile(r"\[(?P<v6>[^\]]+)\](:\d+)?|(?P<v4>[\d.]+):\d+")


def address_of(request: HttpRequest) -> str | None:
    """None where there is none (a Unix socket).

    With n trusted proxies it is the n-th from the right in X-Forwarded-For: what is left of it anybody may write.
    """
    address = _parsed(_said(request))
    return str(address) if address else None


def network_of(request: HttpRequest) -> str | None:
    """What wrong sign-ins are counted by: an IPv4 address, or the first 64 bits of an IPv6 address."""
    address = _parsed(_said(request))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((address, NETWORK), strict=False).network_address)
    return str(address) if address else None


def _said(request: HttpRequest) -> str:
    proxies = settings.PROXIES
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    return forwarded[-proxies] if 0 < proxies <= len(forwarded) else request.META.get("REMOTE_ADDR", "")


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    text = text.strip()
    if found := WITH_PORT.fullmatch(text):
        text = found["v6"] or found["v4"]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address
