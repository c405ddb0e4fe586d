"""Live updates: parts of the page, drawn anew by the server and sent where they changed.

One look at the database a moment for all who watch, none while nobody does, and only for what is
watched. Watchers are few, each is fed at its own pace and never holds up the others. Whoever is
signed out or shut out meanwhile is fed no more, a moment later; who has left makes room as soon.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

import orjson
from aiohttp import web

from runtime.outages import Outages
from runtime.retry import is_lost, pause

LOOP = "live pages"
WATCHERS_MAX = 32
LOOK_EVERY_S = 0.4
SHARE = 9
HEARTBEAT_S = 15.0
STALLED_S = 10.0
LASTS_S = 3_600.0
ASK_EVERY_S = 2.0

Draw = Callable[[frozenset[str]], Awaitable[Mapping[str, str]]]
IsIn = Callable[[], Awaitable[bool]]
Dress = Callable[[str], str]


class Live:
    """Feeds the pages that are open. `draw` gives the HTML of the parts it is asked for.

    A feed ends after `lasts_s`; the browser asks for another one and is let in anew, or no more.
    """

    def __init__(
        self,
        draw: Draw,
        outages: Outages,
        *,
        watchers_max: int = WATCHERS_MAX,
        lasts_s: float = LASTS_S,
    ) -> None:
        self._draw = draw
        self._outages = outages
        self.watchers_max = watchers_max
        self._lasts_s = lasts_s
        self._parts: Counter[str] = Counter()
        self._drawn: Mapping[str, str] = {}
        self._changed = asyncio.Condition()
        self._closed = asyncio.Event()
        self.watchers = 0
        self._looking: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether as many watch as may."""
        return self.watchers >= self.watchers_max

    def close(self) -> None:
        """Send everybody away."""
        self._closed.set()

    async def feed(
        self,
        request: web.Request,
        parts: Mapping[str, str],
        is_in: IsIn,
        dress: Dress = str,
    ) -> web.StreamResponse:
        """Send parts to one page, now and whenever they change, until it is closed.

        `parts` gives each its name on the page; `is_in` tells whether its reader may go on, and
        `dress` puts into the HTML what is the reader's alone.
        """
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self.watchers += 1
        self._parts.update(parts.keys())
        self._start()
        try:
            with suppress(ConnectionError, TimeoutError):
                await self._feed(response, parts, partial(_may_go_on, request, is_in), dress)
        finally:
            self.watchers -= 1
            self._parts -= Counter(parts.keys())
        return response

    async def _feed(
        self, response: web.StreamResponse, parts: Mapping[str, str], goes_on: IsIn, dress: Dress
    ) -> None:
        sent: dict[str, str] = {}
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + self._lasts_s
        told_s, asked_s = now_s(), now_s()
        while not self._closed.is_set() and now_s() < until_s:
            if now_s() - asked_s >= ASK_EVERY_S:
                if not await goes_on():
                    return
                asked_s = now_s()
            drawn = self._drawn
            for part in sorted(parts.keys() & drawn.keys()):
                if sent.get(part) != drawn[part]:
                    sent[part] = drawn[part]
                    await _write(response, _event(parts[part], dress(sent[part])))
                    told_s = now_s()
            await self._wait_for_change(drawn)
            if now_s() - told_s >= HEARTBEAT_S:
                await _write(response, b": still here\n\n")
                told_s = now_s()

    async def _wait_for_change(self, drawn: Mapping[str, str]) -> None:
        """Wait until other parts are drawn, or until there is something else to do."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(HEARTBEAT_S, ASK_EVERY_S)), self._changed:
                await self._changed.wait_for(
                    lambda: self._drawn is not drawn or self._closed.is_set()
                )

    def _start(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """Draw again and again while somebody watches, a tenth of the time at most."""
        loop = asyncio.get_running_loop()
        while self.watchers and not self._closed.is_set():
            began_at = loop.time()
            await self._outages.outlive(LOOP, self._draw_and_wake())
            await pause(max(LOOK_EVERY_S, SHARE * (loop.time() - began_at)))
        self._outages.ended(LOOP)
        await self._wake()

    async def _draw_and_wake(self) -> None:
        drawn = await self._draw(frozenset(self._parts))
        if drawn != self._drawn:
            self._drawn = drawn
            await self._wake()

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def _may_go_on(request: web.Request, is_in: IsIn) -> bool:
    """Ask whether a reader is there and still may read; a database that is away ends nothing."""
    if request.transport is None or request.transport.is_closing():
        return False
    try:
        return await is_in()
    except Exception as error:
        if is_lost(error):
            return True
        raise


def _event(part: str, html: str) -> bytes:
    data = orjson.dumps({"part": part, "html": html})
    return b"event: part\ndata: " + data + b"\n\n"


async def _write(response: web.StreamResponse, content: bytes) -> None:
    async with asyncio.timeout(STALLED_S):
        await response.write(content)
