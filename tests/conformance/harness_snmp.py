"""How the suite starts, reads and hurts boxes that speak SNMP."""

# ruff: noqa: D102 - what each method is for stands at Harness

import asyncio
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

from gateway.adapters.state import ViewerState
from gateway.adapters.stb.snmp import Snmp
from gateway.adapters.stb.snmp.options import SnmpOptions
from runtime.http import HttpDoor
from terms.ids import TargetName
from tests.conformance.boxes import BoxHarness


class SnmpHarness(BoxHarness):
    """The SNMP faces of a rack of boxes."""

    kind = "snmp"
    exempt: ClassVar[Mapping[str, str]] = {
        "cut": "a write that was done is done, whatever is said of it; the quirks meet it",
        "reset": "a datagram has no connection that could break: `lost` is its way",
        "half": "half a datagram is no answer, as none is; the quirks meet it",
        "garbage": "bytes that are no message are no answer; the quirks meet them",
        "away": "an agent that goes away says nothing: `lost` is its way",
        "fatal": "an agent has no pages; values that are none are met by the quirks",
        "huge": "a datagram holds 64 KiB at most",
    }
    silent: ClassVar[AbstractSet[str]] = frozenset({"slow", "down", "lost"})
    looks_again: ClassVar[AbstractSet[str]] = frozenset(
        {"conflict", "refused", "error", "throttled", "unauthorized"}
    )
    faults: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "error": {"name": "error", "argument": "5"},
    }
    writing = "messageText"

    def start(self) -> None:
        super().start()
        asyncio.run(self._wake())

    def options(self, deadline_s: float) -> Mapping[str, Any]:
        return {
            "models": ["RB-1"],
            "deadline_s": deadline_s,
            "retries": 0,
        }

    def secrets(self) -> Sequence[str]:
        known = self.papers.known.values()
        return [value for one in known for name, value in one.secrets.items() if "key" in name]

    def steps(self, ref: str) -> Sequence[ViewerState]:
        """Two are enough for two fields; each more is paid for in silence."""
        lit = frozenset({"basic", "sport"})
        return (
            ViewerState(ref=ref, enabled=True, packages=lit, label="Ada", streams=3),
            ViewerState(ref=ref, enabled=False),
        )

    async def _wake(self) -> None:
        """Ask each agent once: it makes its engine for the first question only."""
        door = HttpDoor(networks=self.networks)
        options = SnmpOptions(models=["RB-1"], deadline_s=8.0)
        adapter = Snmp(TargetName("first"), options, door, self.papers)
        for ref in self.papers.known:
            await adapter.observe(ref)
        await adapter.drop()
        await door.aclose()
