"""The HTTP server in front of a simulator: sockets, latency, faults, counting.

`down` really closes the listening socket and every connection; the port is kept by a socket that
is bound but does not listen, so a caller is refused and the same port opens again afterwards.
"""

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from simulators.call import Call, Reply
from simulators.faults import Fault, Faults
from simulators.injury import cut_off, hurt, whole, words
from simulators.journal import Journal
from simulators.listening import bound, listening, place
from simulators.simulator import Simulator, Stage, System

BACKLOG = 4096
LOOK_S = 0.05
AT_ONCE_S = 0.001  # to aiohttp zero means: wait until the callers hang up


class Server(Protocol):
    """Whoever serves the connections of a door."""

    def __call__(self) -> asyncio.BaseProtocol:
        """Begin to serve a connection."""
        ...

    async def shutdown(self, timeout: float) -> None:  # noqa: ASYNC109 - the library's signature
        """Break every connection that is under way."""
        ...


class Door:
    """One listening TCP socket that can be closed and opened again on the same port."""

    def __init__(
        self, server: Server, host: str, port: int, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._server = server
        self._tls = tls
        self._held = bound(host, port)
        self._listening: asyncio.Server | None = None
        self.host = host
        self.port: int = self._held.getsockname()[1]

    @property
    def url(self) -> str:
        """Where callers find it."""
        return f"http://{place(self.host, self.port)}"

    async def open(self) -> None:
        """Start to listen."""
        if self._listening is None:
            loop = asyncio.get_running_loop()
            with listening(self.host, self.port):
                self._listening = await loop.create_server(
                    self._server, sock=self._held, backlog=BACKLOG, ssl=self._tls
                )

    async def shut(self) -> None:
        """Stop to listen and break every connection, but keep the port."""
        if self._listening is None:
            return
        self._listening.close()
        self._listening = None
        self._held = bound(self.host, self.port)
        await self._server.shutdown(AT_ONCE_S)

    async def close(self) -> None:
        """Give the port back."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        self._held.close()
        await self._server.shutdown(AT_ONCE_S)


class Front:
    """Reads calls, lets faults strike, asks the simulator and writes its replies."""

    def __init__(self, stage: Stage, simulator: Simulator) -> None:
        self._faults: Faults = stage.faults
        self._journal: Journal = stage.journal
        self._clock = stage.clock
        self._latency_s = stage.latency_s
        self._simulator = simulator
        self._numbers = itertools.count(1)
        self._watch: asyncio.Task[None] | None = None
        self.door = Door(_quiet_server(self._handle), stage.host, stage.port)

    @property
    def system(self) -> System:
        """The simulator itself."""
        return self._simulator

    def told(self) -> dict[str, str]:
        """Tell the address."""
        return {"url": self.door.url}

    async def start(self) -> None:
        """Listen, unless a `down` is in force already, and follow the modes."""
        await self.follow_modes()
        await self._simulator.start(self.door.url)
        self._watch = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop everything."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        await self._simulator.stop()
        await self.door.close()

    async def follow_modes(self) -> None:
        """Open or shut the door and set the clock as the modes in force say."""
        skew = self._faults.mode("skew")
        self._clock.skew_s = 0.0 if skew is None else skew.seconds
        if self._faults.mode("down") is None:
            await self.door.open()
        else:
            await self.door.shut()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self.follow_modes()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        call = Call(
            id=next(self._numbers),
            method=request.method,
            path=request.path,
            query=request.query,
            raw_query=request.rel_url.raw_query_string,
            headers=request.headers,
            body=await _body(request),
            peer=request.remote or "",
            latency_left_s=self._latency_s / 2,
        )
        self._journal.begin(call, self._simulator.label(call))
        try:
            return await self._answer(request, call)
        finally:
            self._journal.end(call)

    async def _answer(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        suffered = self._faults.draw(call.method, request.path_qs)
        await self._faults.delay(suffered.delay_s)
        if self._latency_s > 0:
            await asyncio.sleep(self._latency_s / 2)
        fault = suffered.fault
        if fault is None:
            reply = await self._ask(call)
            return cut_off(request) if reply.is_torn else whole(reply)
        call.fault = fault.name
        self._journal.faults[fault.name] += 1
        return await self._strike(request, call, fault)

    async def _strike(
        self, request: web.BaseRequest, call: Call, fault: Fault
    ) -> web.StreamResponse:
        if fault.strikes_after:
            reply = await self._ask(call)
        else:
            reply = Reply()
            if call.is_write:
                self._journal.attempt(call, self._simulator.subject(call))
        if fault.name == "silent":
            await _until_gone(request)
            return cut_off(request)
        answer = words(fault, self._simulator.dialect(fault))
        return whole(answer) if answer is not None else await hurt(request, fault, reply)

    async def _ask(self, call: Call) -> Reply:
        reply = await self._simulator.answer(call)
        if call.is_write and not call.entries:
            self._journal.attempt(call, self._simulator.subject(call))
        await call.dwell()
        return reply


def _quiet_server(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
) -> web.Server:
    return web.Server(handler, access_log=None, keepalive_timeout=75.0)


async def _body(request: web.BaseRequest) -> bytes:
    if not request.can_read_body:
        return b""
    return await request.read()


async def _until_gone(request: web.BaseRequest) -> None:
    # A transport tells of its end by state alone.
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(LOOK_S)
