"""Where boxes take connection requests (TR-069 section 3.2.2): a GET on a path nobody guesses.

A listener serves one box or many, each by its own path; digest proves that the caller knows what
the box was set to. What is asked, the box decides.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from random import Random

from aiohttp import web

from simulators.injury import cut_off
from simulators.server import Door
from simulators.stb.cwmp.cpe import Around, Cpe
from simulators.stb.cwmp.digest import Gate

Rung = Callable[[Cpe], None]


class Bells:
    """One listener."""

    def __init__(self, around: Around, rung: Rung, rng: Random, host: str, port: int) -> None:
        self._around = around
        self._rung = rung
        self._gate = Gate(rng)
        self._cpes: dict[str, Cpe] = {}
        server = web.Server(self._handle, access_log=None, handler_cancellation=True)
        self.door = Door(server, host, port)

    def serve(self, cpe: Cpe) -> None:
        """Take requests for a box from now on."""
        cpe.request_base = self.door.url
        self._cpes[cpe.path] = cpe

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        cpe = self._cpes.get(request.path)
        if cpe is None:
            return web.Response(status=404)
        if not cpe.is_linked:
            return cut_off(request)
        if self._around.is_on("nat", cpe.box.serial):
            await asyncio.Event().wait()  # until the caller hangs up
        if request.method != "GET":
            return web.Response(status=405)
        status = self._status(cpe, request)
        self._around.journal.event(
            f"RING {status}", cpe.box.serial, face="device", before=None, after=None
        )
        headers = (
            {"WWW-Authenticate": self._gate.challenge()}
            if status == HTTPStatus.UNAUTHORIZED
            else {}
        )
        return web.Response(status=status, headers=headers)

    def _status(self, cpe: Cpe, request: web.BaseRequest) -> int:
        credentials = cpe.box.credentials
        is_open = self._gate.is_open(
            request.headers.get("Authorization", ""),
            username=credentials.request_username,
            password=credentials.request_password,
            path=request.path,
        )
        if not is_open:
            return 401
        if not cpe.ring():
            return 503
        self._rung(cpe)
        return 200
