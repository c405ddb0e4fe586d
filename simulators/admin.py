"""The admin face, on a port of its own: journal, state, tampering, faults, counters, reset.

It keeps working while the simulator itself is down. Operations are described in
docs/reference/simulators.md.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from simulators.faults import BadFault, from_json, parse
from simulators.simulator import BadOperation, Faces, Stage

JOURNAL_LIMIT = 1000
WAIT_S_MAX = 60.0

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Admin:
    """The handlers of the admin face of one simulator."""

    def __init__(self, stage: Stage, faces: Faces) -> None:
        self._stage = stage
        self._system = faces.system
        self._faces = faces

    def application(self) -> web.Application:
        """Make the web application."""
        app = web.Application(middlewares=[_plain_refusals], client_max_size=64 * 2**20)
        app.router.add_get("/journal", self.journal)
        app.router.add_get("/state", self.state)
        app.router.add_get("/counters", self.counters)
        app.router.add_get("/faults", self.faults)
        app.router.add_post("/faults", self.set_faults)
        app.router.add_post("/tamper", self.tamper)
        app.router.add_post("/reset", self.reset)
        return app

    async def journal(self, request: web.Request) -> web.Response:
        """Answer entries after number `after`; `wait_s` waits for the first of them."""
        journal = self._stage.journal
        after = int(request.query.get("after", 0))
        limit = int(request.query.get("limit", JOURNAL_LIMIT))
        wait_s = min(float(request.query.get("wait_s", 0)), WAIT_S_MAX)
        if wait_s > 0:
            await journal.grown(after, wait_s)
        entries = journal.after(after, limit, request.query)
        return _json({"entries": entries, "last": journal.last, "dropped": journal.dropped})

    async def state(self, request: web.Request) -> web.Response:
        """Answer the state, narrowed by the query where the kind allows it."""
        return _json(self._system.state(request.query))

    async def counters(self, request: web.Request) -> web.Response:
        """Answer the counters of all calls, reads too; `calm_s` waits until none is under way."""
        calm_s = min(float(request.query.get("calm_s", 0)), WAIT_S_MAX)
        if calm_s > 0:
            await self._stage.journal.calmed(calm_s)
        return _json(self._stage.journal.counters())

    async def faults(self, _: web.Request) -> web.Response:
        """Answer the faults in force."""
        return _json(self._stage.faults.shown())

    async def set_faults(self, request: web.Request) -> web.Response:
        """Clear and set faults: `clear` (true or a name), `spec` (text), `set` (a list)."""
        wish = await _object(request)
        faults = [from_json(one) for one in wish.get("set", [])] + parse(wish.get("spec", ""))
        clear = wish.get("clear", False)
        if clear:
            self._stage.faults.clear(clear if isinstance(clear, str) else "")
        self._stage.faults.add(faults)
        await self._faces.follow_modes()
        return _json(self._stage.faults.shown())

    async def tamper(self, request: web.Request) -> web.Response:
        """Change the state behind everyone's back; the kind knows the operations."""
        operation = await _object(request)
        result = await self._system.tamper(operation)
        await self._faces.follow_modes()
        return _json({"ok": True, "result": result, "last": self._stage.journal.last})

    async def reset(self, _: web.Request) -> web.Response:
        """Return to the state of the start: no faults, an empty journal."""
        self._stage.faults.clear()
        self._system.reset()
        self._stage.journal.clear()
        await self._faces.follow_modes()
        return _json({"ok": True})


@web.middleware
async def _plain_refusals(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (BadOperation, BadFault, ValueError, KeyError) as error:
        text = f"missing {error}" if isinstance(error, KeyError) else str(error)
        return _json({"ok": False, "error": text}, status=400)


async def _object(request: web.Request) -> dict[str, Any]:
    value = orjson.loads(await request.read() or b"{}")
    if not isinstance(value, dict):
        raise BadOperation("a JSON object is expected")
    return value


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")
