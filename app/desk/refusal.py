"""Whether the targets would take a contract number as their key: asked before it is given out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.adapters.sdk import Adapter
from gateway.adapters.state import ViewerState
from gateway.provisioning.routing import Role, Route
from terms.errors import TargetError


def refusal(contract: str, adapters: Mapping[str, Adapter[Any]], routes: Iterable[Route]) -> str:
    """Tell why a target would refuse this contract; empty where all would take it."""
    tariffs = {route.target: route.target_code for route in routes if route.role is Role.TARIFF}
    for name, adapter in adapters.items():
        wish = ViewerState(ref=contract, enabled=False, tariff=tariffs.get(adapter.name))
        try:
            adapter.express(wish)
        except TargetError as error:
            return f"target {name} would not take it: {error}"
    return ""
