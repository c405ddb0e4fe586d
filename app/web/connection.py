"""The listening socket: at most so many connections, and none that never gets to its point.

The server library waits for ever for the first request of a connection; this one does not.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from terms.errors import DomainError

CONNECTIONS_MAX = 1_000
FIRST_REQUEST_S = 10.0
KEEP_ALIVE_S = 20.0
LINGER_S = 2.0
HEADER_BYTES_MAX = 8 * 1024


class Connection(web.RequestHandler):
    """One connection; closed when no whole request head arrived in time."""

    __slots__ = ("_patience",)

    def __init__(self, server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the patience, or turn a connection too many away."""
        super().connection_made(transport)
        server = self._manager
        if server is not None and len(server.connections) > CONNECTIONS_MAX:
            transport.close()
            return
        later = asyncio.get_running_loop().call_later
        self._patience = later(FIRST_REQUEST_S, transport.close)

    def heard(self) -> None:
        """Tell that a whole request head arrived."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def connection_lost(self, exc: BaseException | None) -> None:
        """End the patience with the connection."""
        self.heard()
        super().connection_lost(exc)


async def listen(
    server: web.Server, host: str, port: int, *, auto_decompress: bool = True
) -> asyncio.Server:
    """Accept connections for a server. Raises OSError where the address is taken."""
    loop = asyncio.get_running_loop()

    def connection() -> Connection:
        return Connection(
            server,
            loop=loop,
            keepalive_timeout=KEEP_ALIVE_S,
            lingering_time=LINGER_S,
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
            access_log=None,
            auto_decompress=auto_decompress,
        )

    return await loop.create_server(connection, host, port, backlog=1024, reuse_address=True)


async def open_door(runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
    """Accept connections for a runner that is set up. Raises DomainError for a taken address."""
    if runner.server is None:
        raise TypeError("the runner is not set up")
    try:
        return await listen(runner.server, host, port)
    except OSError as error:
        why = error.strerror or str(error)
        raise DomainError(f"cannot listen on {host}:{port}: {why}") from None
