"""Every route of the product, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.web import health, hooks
from app.web.api.routes import API
from app.web.route import Route
from app.web.site import Site


def all_routes(site: Site, alive: Callable[[], Mapping[str, bool]]) -> tuple[Route, ...]:
    """Put them together; `alive` tells of each duty of this process whether it runs."""
    return (*hooks.routes(site.house), *API, *site.routes(), *health.routes(site.house, alive))
