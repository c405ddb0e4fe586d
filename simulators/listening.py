"""Ports: how one is held and how one that cannot be had is named, for every face alike."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from simulators.simulator import BadOperation


def bound(host: str, port: int) -> socket.socket:
    """Hold a TCP port without listening on it: a caller is refused, and nobody else gets it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.setblocking(False)  # noqa: FBT003 - socket's own signature
    with listening(host, port):
        held.bind((host, port))
    return held


@contextmanager
def listening(host: str, port: int) -> Iterator[None]:
    """Name the address where it cannot be listened on."""
    try:
        yield
    except OSError as error:
        raise BadOperation(f"cannot listen on {place(host, port)}: {why(error)}") from None


def place(host: str, port: int) -> str:
    """Write down where somebody listens, as a URL does."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def why(error: OSError) -> str:
    """Say why in words: the library's own carry numbers."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        return (error.strerror or str(error)).lower()
    return os.strerror(error.errno).lower()
