"""One check's view of the target: the adapter with a door of its own, and the queue's one step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from unittest import SkipTest

from gateway.adapters import registry
from gateway.adapters.conformance.harness import SHORT_DEADLINE_S, Harness
from gateway.adapters.sdk import Adapter, Linked
from gateway.adapters.state import ViewerState, differences
from runtime.http import HttpDoor
from terms.errors import Unreachable
from terms.ids import TargetName

DEADLINE_S = 8.0
LOOKS_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An adapter at a running target."""

    harness: Harness
    adapter: Adapter[Any]

    async def converge(self, wish: ViewerState) -> ViewerState:
        """Do what the queue does: express, observe, apply the difference, observe again.

        The result is the expressed wish, and the target was seen to hold just that.
        """
        wanted: ViewerState = self.adapter.express(wish)
        held = await self.adapter.observe(wanted.ref)
        if held != wanted:
            await self.adapter.apply(wanted, held)
            held = await self.adapter.observe(wanted.ref)
        left = differences(wanted, held)
        assert not left, f"the plan is not empty: {left}"
        return wanted

    async def live(self) -> ViewerState:
        """Make a new live account and give its state as the target holds it."""
        return await self.converge(self.harness.steps(self.harness.new_ref())[0])

    async def held(self, ref: str) -> ViewerState:
        """Observe an account that must be there."""
        held: ViewerState | None = await self.adapter.observe(ref)
        assert held is not None, f"{ref} is not there"
        return held


@asynccontextmanager
async def meeting(t: Trial, fault: str, ref: str = "") -> AsyncIterator[Adapter[Any]]:
    """Give the adapter that is to meet a fault: a hasty one where silence is all there is to it.

    It has looked at `ref` before: what an adapter learns once of a target is no part of the fault.
    """
    if fault not in t.harness.silent:
        yield t.adapter
        return
    async with trial(t.harness, deadline_s=SHORT_DEADLINE_S) as other:
        for _ in range(LOOKS_MAX if ref else 0):
            try:
                await other.adapter.observe(ref)
            except Unreachable:
                continue  # the machine was slow
            break
        yield other.adapter


async def counted(count: Callable[[], Awaitable[int]]) -> int:
    """Ask the harness for a number; always -1 where this target cannot tell."""
    try:
        return await count()
    except SkipTest:
        return -1


@asynccontextmanager
async def trial(harness: Harness, *, deadline_s: float = DEADLINE_S) -> AsyncIterator[Trial]:
    """Open an adapter at the harness's target for the time of one check."""
    cls = harness.adapter_class()
    options = cls.options_type.model_validate(dict(harness.options(deadline_s)))
    door = HttpDoor(networks=harness.networks)
    adapter = registry.make(cls, TargetName("under-test"), options, door, boxes=harness.boxes())
    try:
        yield Trial(harness=harness, adapter=adapter)
    finally:
        if isinstance(adapter, Linked):
            await adapter.drop()
        await door.aclose()
