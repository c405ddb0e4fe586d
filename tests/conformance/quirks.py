"""What tests of the quirks of boxes share: one rack a file, hurt, described and looked at."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.adapters import registry
from gateway.adapters.conformance import Trial
from gateway.adapters.state import ViewerState
from runtime.http import HttpDoor
from terms.errors import TargetError
from terms.ids import TargetName
from tests.conformance.boxes import BoxHarness


def harness(box: Trial) -> BoxHarness:
    """Give the rack's other side."""
    assert isinstance(box.harness, BoxHarness)
    return box.harness


@contextlib.asynccontextmanager
async def opened(box: Trial, **changes: Any) -> AsyncIterator[Any]:
    """Open another adapter at the same rack, with other options."""
    rack = harness(box)
    cls = registry.adapter_class(rack.kind)
    options = cls.options_type.model_validate({**rack.options(8.0), **changes})
    door = HttpDoor(networks=rack.networks)
    adapter: Any = registry.make(cls, TargetName("other"), options, door, boxes=rack.papers)
    try:
        yield adapter
    finally:
        await adapter.drop()
        await door.aclose()


@contextlib.asynccontextmanager
async def suffering(box: Trial, spec: str) -> AsyncIterator[None]:
    """Let every call suffer this, and whatever carries it."""
    await harness(box).admin("/faults", {"spec": spec})
    try:
        yield
    finally:
        await harness(box).admin("/faults", {"clear": True})


def described(box: Trial, ref: str, **changes: Any) -> None:
    """Change what the papers say of a box."""
    known = harness(box).papers.known
    known[ref] = replace(known[ref], **changes)


async def error_of(adapter: Any, ref: str) -> TargetError:
    """Look at a box and give what is raised."""
    with pytest.raises(TargetError) as caught:
        await adapter.observe(ref)
    return caught.value


def lit(ref: str, *codes: str, revision: int = 0) -> ViewerState:
    """Wish a box on."""
    return ViewerState(ref=ref, enabled=True, packages=frozenset(codes), revision=revision)


async def lines(box: Trial, ref: str) -> list[str]:
    """Read what the box was told to do, in order."""
    page = await harness(box).admin(f"/journal?subject={ref}&face=api&limit=100000")
    return [one["call"] for one in page["entries"]]
