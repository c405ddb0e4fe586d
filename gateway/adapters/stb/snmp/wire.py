"""The sockets of an SNMP engine, one for each family of addresses.

A datagram from whom nobody asked, or that nobody can read, is no answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp, udp6

Address = tuple[str, int]
Oid = tuple[int, ...]


class Wire:
    """The socket of an engine for one family of addresses."""

    domain: Oid
    anywhere: str
    # What the library writes behind an address and its port: of IPv6, flow and scope.
    behind: tuple[int, ...] = ()
    _callback_function: Any

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[Address] = Counter()
        self.closed = asyncio.Event()

    def datagram_received(self, datagram: bytes, transportAddress: Any) -> None:  # noqa: N803 - theirs
        """Hand on what somebody says who was asked; whatever is wrong with it ends here."""
        if self._callback_function is None or not self.asked[transportAddress[:2]]:
            return
        with contextlib.suppress(Exception):  # bytes nobody can read: the asker goes on waiting
            self._callback_function(self, transportAddress, datagram)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own
        """Note that the socket is closed."""
        self.closed.set()


class Wire4(Wire, udp.UdpTransport):  # type: ignore[misc]
    """For IPv4."""

    domain = udp.DOMAIN_NAME
    anywhere = "0.0.0.0"  # noqa: S104 - answers come from anywhere


class Wire6(Wire, udp6.Udp6Transport):  # type: ignore[misc]
    """For IPv6."""

    domain = udp6.DOMAIN_NAME
    anywhere = "::"
    behind: tuple[int, ...] = (0, 0)
