"""A change asked for over the API: done in one transaction, and once for one Idempotency-Key.

Nothing is kept of what failed: its transaction was rolled back, so that nothing has happened and it
may be asked for again. What asks another system has no transaction around it and is harmless when
it is repeated; its answer is kept after it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiohttp import web

from app import answers
from app.answers import KEY_CHARS_MAX, Answer, Asked
from app.web.problem import BadRequest
from app.web.reading import wrong
from app.web.route import Call, Route
from app.wiring import House

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
JSON = "application/json"
IN_FLIGHT_S = 1.0
_KEY = re.compile(f"[!-~]{{1,{KEY_CHARS_MAX}}}")

Written = Callable[[Any], bytes]


class Asking:
    """Does what is asked for, for one web process."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._in_flight: set[tuple[str, str]] = set()

    async def changed(self, route: Route, call: Call, raw: bytes, written: Written) -> web.Response:
        """Do it, or tell again what was told. Raises BadRequest: 400, 409, 422."""
        asked = _asked(call, raw)
        if asked is None:
            return _told(route.status, await self._done(route, call, written))
        async with self._alone(asked):
            call = replace(call, once=asked.once)
            if route.deed is None:
                return await self._asked_elsewhere(route, call, asked, written)
            return await self._done_once(route, call, asked, written)

    async def _done(self, route: Route, call: Call, written: Written) -> bytes:
        if route.handler is not None:
            return written(await route.handler(call))
        if route.deed is None:
            raise TypeError(f"{route.path} does nothing")
        async with self._house.store.begin() as tx:
            return written(await route.deed(call, tx))

    async def _done_once(
        self, route: Route, call: Call, asked: Asked, written: Written
    ) -> web.Response:
        if route.deed is None:
            raise TypeError(f"{route.path} has no deed")
        async with self._house.store.begin() as tx:
            earlier = await answers.claim(tx, asked)
            if isinstance(earlier, Answer):
                return _replayed(earlier, asked)
            if not earlier:
                raise _in_flight()
            answer = await route.deed(call, tx)
            body = written(answer)
            kept = written(route.kept(answer)) if route.kept else body
            now = self._house.clock.machine_now()
            if not await answers.keep(tx, asked, route.status, kept.decode(), now):
                raise _in_flight()
        return _told(route.status, body)

    async def _asked_elsewhere(
        self, route: Route, call: Call, asked: Asked, written: Written
    ) -> web.Response:
        async with self._house.store.read() as tx:
            earlier = await answers.find(tx, asked)
        if earlier is not None:
            return _replayed(earlier, asked)
        body = await self._done(route, call, written)
        async with self._house.store.begin() as tx:
            now = self._house.clock.machine_now()
            await answers.keep(tx, asked, route.status, body.decode(), now)
        return _told(route.status, body)

    @asynccontextmanager
    async def _alone(self, asked: Asked) -> AsyncIterator[None]:
        """Let one request at a time have a key; the others are told to come again."""
        mine = (asked.caller, asked.key)
        if mine in self._in_flight:
            raise _in_flight()
        self._in_flight.add(mine)
        try:
            yield
        finally:
            self._in_flight.discard(mine)


def _asked(call: Call, raw: bytes) -> Asked | None:
    """Read the key of a request, if it has one. Raises BadRequest."""
    keys = call.request.headers.getall(HEADER, [])
    if not keys or call.bearer is None:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise wrong(HEADER, why=f"one key of 1 to {KEY_CHARS_MAX} visible ASCII characters")
    fingerprint = answers.fingerprint(call.request.method, call.request.raw_path, raw)
    return Asked(caller=call.bearer.key, key=keys[0], fingerprint=fingerprint)


def _replayed(earlier: Answer, asked: Asked) -> web.Response:
    if earlier.fingerprint != asked.fingerprint:
        why = "this key was sent with another request: take a new one"
        raise BadRequest(422, "another request", why)
    response = _told(earlier.status, earlier.body.encode())
    response.headers[REPLAYED] = "true"
    return response


def _told(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type=JSON)


def _in_flight() -> BadRequest:
    why = "a request with this key is being worked on: ask again"
    return BadRequest(409, "in progress", why, retry_after_s=IN_FLIGHT_S)
