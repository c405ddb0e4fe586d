"""Which network addresses may be talked to: a list of CIDR ranges, and the word "public".

It judges the address a socket is about to connect to, never a host name: what a name, a decimal
host or a redirect leads to is known only there.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from terms.errors import Invalid

PUBLIC = "public"
PUBLIC_ONLY = (PUBLIC,)
LOOPBACK = ("127.0.0.0/8", "::1/128")
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")

# The IANA registries of special-purpose addresses; what is left is the public internet. Fixed
# here because ipaddress.is_global changes its mind between Python versions.
_NOT_PUBLIC_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(block)
    # Teredo and 6to4 carry an IPv4 address inside, which may be a private one.
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


class Networks:
    """The ranges that are open. Asked once per new connection, never per request."""

    def __init__(self, ranges: Sequence[str]) -> None:
        self._public = PUBLIC in ranges
        self._blocks = tuple(_parse(text) for text in ranges if text != PUBLIC)

    def __contains__(self, address: str) -> bool:
        """Say whether a socket may connect to this address, given as the socket layer has it."""
        try:
            ip: IPv4Address | IPv6Address = ip_address(address)
        except ValueError:
            return False
        if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped  # the kernel talks IPv4 to it
        if ip.is_unspecified or ip.is_multicast:
            return False  # 0.0.0.0 leads to this very machine
        return any(ip in block for block in self._blocks) or (self._public and _is_public(ip))


def _parse(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise Invalid("networks", f"{error}; write a range such as 10.1.0.0/16") from None


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv4Address):
        return not any(ip in block for block in _NOT_PUBLIC_V4)
    return ip in _PUBLIC_V6 and not any(ip in block for block in _NOT_PUBLIC_V6)
