"""A harness whose target is nothing but boxes: a rack of simulated ones, taken in turns."""

# ruff: noqa: D102 - what each method is for stands at Harness

from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any, ClassVar

from gateway.adapters.sdk import Boxes
from gateway.adapters.state import ViewerState
from terms.errors import Permanent, Retryable, TargetError
from tests.conformance.simulated import SimulatedHarness
from tests.fixtures.papers import Papers, papers_of

BOXES = 8
LOOK_S = 0.2


class BoxHarness(SimulatedHarness):
    """Boxes of one simulator process. A box that comes again is bare again."""

    holds: ClassVar[AbstractSet[str]] = frozenset({"enabled", "packages"})
    edges: ClassVar[Sequence[str]] = ("reboot",)
    owns_devices = False
    is_all_or_nothing = True
    writing = "SET|SHOW"
    hostile_refs: ClassVar[Sequence[str]] = ("RB1;id", "RB1 id", "$(id)", "é", "R" * 65)
    otherwise: ClassVar[Mapping[str, type[TargetError]]] = {
        "throttled": Retryable,  # a box says that it is busy, and not for how long
        "unauthorized": Permanent,  # whom it does not let in is its own affair
    }
    papers: Papers

    def __init__(self) -> None:
        super().__init__()
        self.state = {"count": BOXES, "seed": 7, "boot_s": 0.05}

    def start(self) -> None:
        super().start()
        told = self.simulator.told["boxes"]
        self.papers = papers_of(told)
        self._turns = cycle([one["serial"] for one in told])

    def new_ref(self) -> str:
        ref = next(self._turns)
        bare = {"active": False, "packages": [], "revision": ""}
        self.simulator.admin("/tamper", {"op": "set", "serial": ref, "fields": bare})
        return ref

    def absent_ref(self) -> str:
        return "RB00000000"

    def boxes(self) -> Boxes:
        return self.papers

    def steps(self, ref: str) -> Sequence[ViewerState]:
        plain = ViewerState(ref=ref, enabled=True, packages=frozenset({"basic"}))
        return (
            plain,
            ViewerState(ref=ref, enabled=True, packages=frozenset({"basic", "sport", "hd"})),
            ViewerState(ref=ref, enabled=False, packages=frozenset({"sport"})),
            ViewerState(ref=ref, enabled=True, label="Ada", streams=3),
        )

    async def box(self, ref: str) -> Mapping[str, Any]:
        """Look at a box on the simulator's own side."""
        found: Mapping[str, Any] = (await self.admin(f"/state?serial={ref}"))["boxes"][0]
        return found

    async def copies(self, ref: str) -> int:
        box = await self.box(ref)
        return int(bool(box["active"] or box["packages"]))

    async def tamper(self, ref: str) -> None:
        fields = {"active": not (await self.box(ref))["active"]}
        await self.admin("/tamper", {"op": "set", "serial": ref, "fields": fields})

    async def heard(self, ref: str) -> Sequence[str]:
        entries = await self._entries(ref)
        return [one["after"]["message"]["text"] for one in entries if "message" in one["after"]]

    async def changes(self) -> int:
        return len(await self._entries("", face="api", changed="1"))

    async def settled(self, ref: str) -> None:
        """Wait until every box answers again that was restarted."""
        while await self._came_up() < await self._restarts():
            # The simulator tells of each new line of its journal, and of nothing else.
            await self.admin(f"/journal?after={await self._last()}&wait_s={LOOK_S}&limit=1")

    @asynccontextmanager
    async def _set(self, wish: Mapping[str, Any]) -> AsyncIterator[None]:
        async with super()._set(wish):
            yield
        if wish["name"] == "crash":
            await self.settled("")

    async def _last(self) -> int:
        last: int = (await self.admin("/journal?limit=1"))["last"]
        return last

    async def _restarts(self) -> int:
        return sum(box["boots"] - 1 for box in (await self.admin("/state"))["boxes"])

    async def _came_up(self) -> int:
        page = await self.admin("/journal?limit=100000&face=device")
        return sum(one["call"] == "BOX came up" for one in page["entries"])

    async def _entries(self, ref: str, **wanted: str) -> list[dict[str, Any]]:
        query = "".join(f"&{key}={value}" for key, value in wanted.items())
        subject = f"&subject={ref}" if ref else ""
        page = await self.admin(f"/journal?limit=100000{subject}{query}")
        return [one for one in page["entries"] if one["after"]]
