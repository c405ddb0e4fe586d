"""A wire between a program and its database that can be cut at a word, before or after it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

BYTES = 65_536


class Wire:
    """Passes bytes to a port of this machine and back."""

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self.cuts_count = 0
        self._to_port = to_port
        self._word = b""

    def cut_after(self, word: bytes) -> None:
        """Let the next message with this word arrive, and lose the answer with the connection."""
        self._word = word

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        ways = [
            asyncio.create_task(self._pass(reader, far_writer, writer)),
            asyncio.create_task(self._pass(far_reader, writer, None)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, far_writer):
                end.close()

    async def _pass(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        asker: asyncio.StreamWriter | None,
    ) -> None:
        with suppress(ConnectionError):
            while data := await source.read(BYTES):
                is_cut = asker is not None and self._word and self._word in data
                if is_cut and asker is not None:
                    self._word = b""
                    self.cuts_count += 1
                    asker.transport.abort()  # from now on no answer gets through
                target.write(data)
                await target.drain()
                if is_cut:
                    return


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """Open a wire to a port until the block is left."""
    wire = Wire(port)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
