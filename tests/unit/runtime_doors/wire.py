"""A server that speaks raw bytes, so that a test decides what goes wrong on the wire, and when."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Reply = Callable[["Wire", asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


@dataclass
class Wire:
    """What the server has seen: whole requests as they came, and how many connections.

    `asked` is set with the first request.
    """

    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self.port}"


async def ok(_wire: Wire, writer: asyncio.StreamWriter) -> None:
    """Answer with two bytes and keep the connection."""
    writer.write(OK)


def saying(answer: bytes) -> Reply:
    """Answer with these bytes and keep the connection."""

    async def reply(_wire: Wire, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return reply


def hanging_up_after(answer: bytes) -> Reply:
    """Answer with these bytes and close."""

    async def reply(_wire: Wire, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    return reply


def repeating(part: bytes, *, pause_s: float = 0.0, head: bytes = b"") -> Reply:
    """Send the head, then the part again and again for ever."""

    async def reply(_wire: Wire, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return reply


@asynccontextmanager
async def serving(reply: Reply = ok, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """Serve on a free port of loopback until the block is left."""
    wire = Wire()
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire.connections += 1
        try:
            while not writer.is_closing():
                wire.requests.append(await _request(reader))
                wire.asked.set()
                await reply(wire, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(talk(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head + await reader.readexactly(length)
