"""What a host's name leads to: numeric addresses, as the socket layer writes them."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address


async def addresses_of(host: str) -> list[str]:
    """Look a host up, the preferred address first; a numeric one is asked of nobody.

    Raises OSError for a name that nobody knows, UnicodeError for what can be none.
    """
    try:
        return [_written(ip_address(host))]
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(place[0]) for _, _, _, _, place in found]


def _written(ip: IPv4Address | IPv6Address) -> str:
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped  # the kernel talks IPv4 to it
    if isinstance(ip, IPv6Address):
        return socket.inet_ntop(socket.AF_INET6, ip.packed)
    return str(ip)
