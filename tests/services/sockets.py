"""Bars every way out of this machine: a test that would talk to the world fails instead."""

import ipaddress
import sys
from collections.abc import Iterable


class OutsideConnectionError(RuntimeError):
    """A test tried to leave the machine."""


def _is_local(host: object, allowed: frozenset[str]) -> bool:
    """Tell whether the host is this machine or one that the person named for the tests."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is None or not isinstance(host, str):
        return True  # "any address of mine" and sockets that have no host
    if host in {"", "localhost"} or host in allowed:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def bar_outside(allowed: Iterable[str] = ()) -> None:
    """Refuse connections, datagrams and name look-ups beyond loopback, for this whole process.

    An audit hook sees what C code and every event loop do, and it cannot be taken off again.
    """
    hosts = frozenset(allowed)

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
            target = arguments[1]
            host = target[0] if isinstance(target, tuple) and target else None
        elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
            host = arguments[0]
            if _is_address(host):
                return  # nothing is asked of the network to read a written address
        else:
            return
        if not _is_local(host, hosts):
            message = f"tests talk to loopback only, this one asked for {host!r} ({event})"
            raise OutsideConnectionError(message)

    sys.addaudithook(watch)


def _is_address(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return True
