"""Whether the process lives, whether it can work, and its numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from app import shape
from app.web.numbers import gather
from app.web.route import Call, Policy, Route
from runtime.metrics import CONTENT_TYPE, metrics

ANSWER_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What was looked at, and whether it was well."""

    ok: bool
    checks: Mapping[str, bool]


def routes(alive: Callable[[], Mapping[str, bool]]) -> tuple[Route, ...]:
    """Make the routes; `alive` tells of each duty of this process whether it runs."""

    async def lives(_call: Call) -> Health:
        return Health(ok=True, checks={})

    async def is_ready(call: Call) -> web.Response:
        checks = {"database": await _reaches_database(call), **alive()}
        health = Health(ok=all(checks.values()), checks=checks)
        return web.json_response(
            {"ok": health.ok, "checks": dict(health.checks)}, status=200 if health.ok else 503
        )

    async def numbers(call: Call) -> web.Response:
        await gather(call.house)
        return web.Response(body=metrics(), headers={"Content-Type": CONTENT_TYPE})

    return (
        Route(method="GET", path="/healthz", policy=Policy.OPEN, handler=lives, answer=Health),
        Route(method="GET", path="/readyz", policy=Policy.OPEN, handler=is_ready),
        Route(method="GET", path="/metrics", policy=Policy.TOKEN, handler=numbers),
    )


async def _reaches_database(call: Call) -> bool:
    """Whether the database answers and has this version's shape."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await shape.is_current(call.house)
    except Exception:  # noqa: BLE001 - whatever it is, the answer is no
        return False
