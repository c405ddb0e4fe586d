"""A page that is kept fresh and that nobody reads costs little, and not for long."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aiohttp import ClientSession, web

from app.web import live
from app.web.live import Live
from runtime.outages import Outages

PART_CHARS = 200_000
DRAWN_ENOUGH = 60
WITHIN_S = 20.0


@dataclass
class Feeding:
    """A server that draws one large part anew whenever it looks, which is all the time."""

    live: Live
    server: web.Server
    port: int
    drawn: int = 0

    @property
    def held_bytes(self) -> int:
        """What is kept for those who are connected and have not read it yet."""
        transports = [one.transport for one in self.server.connections]
        return sum(one.get_write_buffer_size() for one in transports if one is not None)


@pytest.fixture
async def feeding(monkeypatch) -> AsyncIterator[Feeding]:
    """Return such a server; whoever reads nothing for a fifth of a second has stalled."""
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.005)
    monkeypatch.setattr(live, "SHARE", 0)
    monkeypatch.setattr(live, "STALLED_S", 0.2)

    async def draw(_parts: frozenset[str]) -> Mapping[str, str]:
        one.drawn += 1
        return {"story": f"{one.drawn} ".ljust(PART_CHARS, "x")}

    async def is_in() -> bool:
        return True

    async def feed(request: web.Request) -> web.StreamResponse:
        return await one.live.feed(request, {"story": "story"}, is_in)

    app = web.Application()
    app.router.add_get("/events", feed)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    assert runner.server is not None
    one = Feeding(Live(draw, Outages()), runner.server, runner.addresses[0][1])
    yield one
    one.live.close()
    await runner.cleanup()


@asynccontextmanager
async def never_reading(port: int) -> AsyncIterator[socket.socket]:
    """Ask for the feed and never read a byte of it."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        one.setblocking(False)  # noqa: FBT003 - the library's
        loop = asyncio.get_running_loop()
        await loop.sock_connect(one, ("127.0.0.1", port))
        await loop.sock_sendall(one, b"GET /events HTTP/1.1\r\nHost: here\r\n\r\n")
        yield one


async def test_who_never_reads_is_sent_away_and_holds_nobody_up(feeding: Feeding):
    """However often a page changes, no more than one change waits for who does not read it.

    Soon nothing waits, as the connection is given up; who reads is shown newer states all along.
    """
    most = 0
    async with (
        never_reading(feeding.port),
        ClientSession() as session,
        session.get(f"http://127.0.0.1:{feeding.port}/events") as reader,
        asyncio.timeout(WITHIN_S),
    ):
        seen: list[int] = []
        while len(seen) < DRAWN_ENOUGH or feeding.live.watchers > 1:
            line = await reader.content.readuntil(b"\n\n")
            seen.append(int(json.loads(line.partition(b"data: ")[2])["html"].split()[0]))
            most = max(most, feeding.held_bytes)
    assert seen == sorted(set(seen)), "each state is newer than the one before"
    assert most < 4 * PART_CHARS, "what waits for both, at the most: one change and the one before"
