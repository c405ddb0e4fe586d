"""Every route of the product, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.web import health, hooks
from app.web.api import accounts, boxes, clock, field, targets, work
from app.web.console.pages import Console
from app.web.route import Route
from app.web.static import Static

API = (
    *accounts.ROUTES,
    *boxes.ROUTES,
    *field.ROUTES,
    *clock.ROUTES,
    *targets.ROUTES,
    *work.ROUTES,
)


def all_routes(
    console: Console, static: Static, alive: Callable[[], Mapping[str, bool]]
) -> tuple[Route, ...]:
    """Put them together; `alive` tells of each duty of this process whether it runs."""
    return (
        *hooks.ROUTES,
        *API,
        *console.routes(),
        *static.routes(),
        *health.routes(alive),
    )
