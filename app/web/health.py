"""Whether the process lives, whether it can work, and its numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from app.readiness import ANSWER_WITHIN_S, Readiness, Standing, answered
from app.web.connection import open_door
from app.web.numbers import gather
from app.web.route import Call, Policy, Route
from app.web.serving import make_app
from app.wiring import House
from runtime.metrics import CONTENT_TYPE, metrics
from runtime.telemetry import get_log

SHUTDOWN_S = 1.0

log = get_log()


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The process lives: it answered."""

    ok: bool = True


def routes(house: House, alive: Callable[[], Mapping[str, bool]]) -> tuple[Route, ...]:
    """Make the routes; `alive` tells of each duty of this process whether it runs."""
    readiness = Readiness(house, alive)

    async def lives(_call: Call) -> Health:
        return Health()

    async def is_ready(_call: Call) -> web.Response:
        standing = await readiness.look()
        status = 200 if standing.is_ready else 503
        return web.json_response(_told(standing), status=status)

    async def numbers(_call: Call) -> web.Response:
        """Tell the numbers of the process whatever befell the database: then they matter most."""
        await readiness.look()
        try:
            await answered(gather(house), ANSWER_WITHIN_S)
        except Exception as error:  # noqa: BLE001 - `boxoffice_ready` tells of it
            log.debug("numbers.not_gathered", error=type(error).__name__)
        return web.Response(body=metrics(), headers={"Content-Type": CONTENT_TYPE})

    return (
        Route(method="GET", path="/healthz", policy=Policy.OPEN, handler=lives, answer=Health),
        Route(method="GET", path="/readyz", policy=Policy.OPEN, handler=is_ready),
        Route(method="GET", path="/metrics", policy=Policy.LOCAL_OR_TOKEN, handler=numbers),
    )


def _told(standing: Standing) -> dict[str, Any]:
    return {
        "ok": standing.is_ready,
        "degraded": standing.is_degraded,
        "checks": {check.name: check.ok for check in standing.checks},
        "reasons": {check.name: check.reason for check in standing.checks if not check.ok},
    }


class Aside:
    """The listener for health and numbers alone, where a setting asks for it, in every role."""

    def __init__(self, house: House, alive: Callable[[], Mapping[str, bool]]) -> None:
        self._settings = house.settings
        app = make_app(house, routes(house, alive))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        self._door: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it answers; empty where nobody listens."""
        if self._door is None:
            return ""
        return f"http://{self._settings.health_host}:{self._door.sockets[0].getsockname()[1]}"

    async def open(self) -> None:
        """Listen, if a port is set. Raises DomainError for a taken address."""
        host, port = self._settings.health_host, self._settings.health_port
        if port is not None:
            await self._runner.setup()
            self._door = await open_door(self._runner, host, port)

    async def close(self) -> None:
        """Stop listening."""
        if self._door is not None:
            self._door.close()
        await self._runner.cleanup()
