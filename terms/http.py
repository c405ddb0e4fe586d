"""One HTTP exchange as everybody sees it: the door that makes it, and what came back.

Knows nothing of connections or of vendors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def bare_address(text: str) -> str:
    """Read the address of a web server: http or https, a host, perhaps a port and a path.

    Raises ValueError saying what is wrong with it.
    """
    parts = _parts(text)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be a bare address: no user, query or fragment")
    return text


def page_address(text: str) -> str:
    """Read the address of a page that a browser is led to: https, or http on this very machine.

    Raises ValueError saying what is wrong with it.
    """
    parts = _parts(text)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise ValueError("must be an https address; http is for this very machine alone")
    if "@" in parts.netloc:
        raise ValueError("must be an address without a user")
    return text


def _parts(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError("an IPv6 address is written like http://[2001:db8::1]:8080") from None
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("there is no such port: 1 to 65535")
    is_written = text.isprintable() and " " not in text
    if parts.scheme not in {"http", "https"} or not parts.hostname or not is_written:
        raise ValueError("must be an http or https address")
    return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole HTTP answer: status, headers to be asked for by lower-case name, body bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http(Protocol):
    """The one client door, as those see it who are given it by the composition root.

    It follows no redirect, never repeats a request and reads at most `body_bytes_max`.
    """

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline_s: float | None = None,
        body_bytes_max: int | None = None,
    ) -> Answer:
        """Make one request.

        Raises:
            Unreachable: nobody answered within the deadline, or the connection broke. After a
                write this says nothing about its effect.
            Permanent: the body is larger than allowed, or the address may not be talked to.
        """
        ...

    async def resolve(self, host: str, *, deadline_s: float | None = None) -> str:
        """Find the numeric address of a host, for those who talk to it by another protocol.

        Raises, in each case before anything is sent there:
            Unreachable: nobody knows the name, or tells it within the deadline.
            Permanent: it is no host, or the address may not be talked to.
        """
        ...
