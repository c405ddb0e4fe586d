"""How the suite starts, reads and hurts boxes that call us.

A box is observed and written when it calls. So the adapter under test rings it, as in the field,
and does inside the session that follows what the suite asks for: a real listener, a real box.
"""

# ruff: noqa: D102 - what each method is for stands at Harness

import asyncio
import json
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, ClassVar, NamedTuple
from unittest import SkipTest

from aiohttp import web

from app.web.connection import listen
from app.web.unpacking import read
from gateway.adapters.inbound import Ask, Due
from gateway.adapters.sdk import Action, Pending
from gateway.adapters.state import ViewerState
from gateway.adapters.stb.cwmp import Cwmp
from gateway.adapters.stb.cwmp.inside import check_ref, is_as_wished
from terms.errors import Permanent, Unreachable, untouched
from tests.conformance.simulated import SimulatedHarness
from tests.fixtures.boxes import DictBoxes
from tests.fixtures.errands import DictErrands
from tests.simulators.process import start_simulator

HOST, TARGET = "127.0.0.1", "under-test"
BOXES = 700
ASKED = {
    "reset": {"name": "reboot_in_set", "argument": "before"},
    "lost": {"name": "reboot_in_set", "argument": "after"},
    "error": {"name": "cwmp_fault", "argument": "9002"},
    "refused": {"name": "cwmp_fault", "argument": "9003"},
    "slow": {"name": "slow", "argument": "3s"},
    "down": {"name": "down"},
}
KEY = "Device.ManagementServer.ParameterKey"
_ONLY_SETS = "strikes a write alone; a box that is lost while it is read is met by cwmp quirks"
_OWN_REQUEST = "a box answers in a request of its own; what cannot be read is met by the rogues"


@dataclass(eq=False)
class Asked:
    """What the suite wants of a box, and what came of it."""

    act: Callable[[Any], Awaitable[Any]]
    came: asyncio.Future[Any]
    is_begun: bool = False


class Obliging:
    """The contact of a box for which nothing is wished: all that happens is what the suite asks."""

    def __init__(self, errands: DictErrands) -> None:
        self._errands = errands
        self.asked: dict[str, list[Asked]] = {}

    async def due(self, ref: str) -> Due:
        wish = ViewerState(ref=ref, enabled=False, revision=-1)
        return Due(wish=wish, has_errands=self._errands.waits(ref))

    def seen(self, ref: str, proof: int) -> None:
        raise AssertionError(f"{ref} proved {proof}")

    async def reconcile(self, ref: str, adapter: Any) -> None:
        """Do what the suite asks for, and all it asks for next."""
        while self.asked.get(ref):
            one = self.asked[ref].pop(0)
            one.is_begun = True
            try:
                came = await one.act(adapter)
            except Exception as error:  # noqa: BLE001 - whoever asked judges it
                if not one.came.done():
                    one.came.set_exception(error)
            else:
                if not one.came.done():
                    one.came.set_result(came)
            await asyncio.sleep(0)


class Listener(NamedTuple):
    """A listening socket and who serves it."""

    server: web.Server
    door: asyncio.Server


class Answered(Cwmp):
    """The adapter with its listener, whose verbs wait for the box's call."""

    harness: ClassVar["CwmpHarness"]

    async def observe(self, ref: str) -> ViewerState | None:
        check_ref(ref)
        await self.harness.listen_for(self)
        held = await self._inside(ref, lambda box: box.observe(ref))
        seen = self.boxes.seen  # type: ignore[attr-defined]
        seen.pop(ref, None)
        if held is not None:
            seen[ref] = held
        return held

    async def apply(self, desired: ViewerState, observed: ViewerState | None) -> Pending | None:
        check_ref(desired.ref)
        if is_as_wished(desired, observed):
            return None
        await self.harness.listen_for(self)
        return await self._inside(desired.ref, lambda box: box.apply(desired, observed))

    async def remove(self, ref: str) -> None:
        check_ref(ref)
        await self.harness.listen_for(self)
        await super().remove(ref)
        self.boxes.seen.pop(ref, None)  # type: ignore[attr-defined]

    async def perform(self, ref: str, action: Action) -> Pending | None:
        await self.harness.listen_for(self)
        return await super().perform(ref, action)

    async def drop(self) -> None:
        await super().drop()
        await self.harness.hang_up(self)

    async def _inside(self, ref: str, act: Callable[[Any], Awaitable[Any]]) -> Any:
        """Do something in a session for which the box is rung."""
        one = Asked(act, asyncio.get_running_loop().create_future())
        waiting = self.harness.contact.asked.setdefault(ref, [])
        waiting.append(one)
        try:
            async with asyncio.timeout(self.options.deadline_s):
                error = await self._not_rung(ref)
                if error is not None and not one.is_begun:
                    raise error
                return await one.came
        except TimeoutError:
            late = Unreachable("the box did not call in time, or did not answer")
            raise (late if one.is_begun else untouched(late)) from None
        finally:
            if one in waiting:
                waiting.remove(one)
            one.came.cancel()


class CwmpHarness(SimulatedHarness):
    """A fleet of reference boxes that call an adapter under test."""

    kind = "cwmp"
    holds: ClassVar[AbstractSet[str]] = frozenset({"enabled", "packages"})
    owns_devices = False
    otherwise: ClassVar[Mapping[str, Any]] = {"unauthorized": Permanent}
    exempt: ClassVar[Mapping[str, str]] = {
        "probe": "asks no box, so that one box says nothing about the others",
        "scan": "gives what was last seen, so that it meets no fault",
        "away": "a box that is busy answers a ring with 503, which the ring's own tests show",
        "throttled": "CWMP has no such answer",
        "conflict": "a box has no keys that could be taken",
        "half": _OWN_REQUEST,
        "cut": _OWN_REQUEST,
        "garbage": _OWN_REQUEST,
        "fatal": _OWN_REQUEST,
        "huge": _OWN_REQUEST,
        "reset_observe": _ONLY_SETS,
        "lost_observe": _ONLY_SETS,
        "aftermath_error": "a fault says that nothing was done",
    }

    def __init__(self) -> None:
        super().__init__()
        self._boxes = DictBoxes()
        self.contact = Obliging(self._boxes.errands)
        self._serials: list[str] = []
        self._taken = count()
        self._port = 0
        self._last = ""
        # Whom the boxes reach, of all the adapters of a check: the one that spoke last.
        self._adapters: list[Answered] = []
        self._listener: Listener | None = None
        self._opening = asyncio.Lock()

    def adapter_class(self) -> type[Answered]:
        return type("Here", (Answered,), {"harness": self})

    def boxes(self) -> DictBoxes:
        return self._boxes

    async def listen_for(self, adapter: Answered) -> None:
        """Have the boxes reach this adapter."""
        async with self._opening:
            await self._listen()
        adapter.begin()
        self._adapters = [*(one for one in self._adapters if one is not adapter), adapter]

    async def _listen(self) -> None:
        if self._listener is None:
            server = web.Server(self._handle, access_log=None)
            door = await listen(server, HOST, self._port, auto_decompress=False)
            self._listener = Listener(server, door)

    async def hang_up(self, adapter: Answered) -> None:
        """Let the boxes reach nobody, where nobody is left."""
        self._adapters = [one for one in self._adapters if one is not adapter]
        if not self._adapters and self._listener is not None:
            server, door = self._listener
            self._listener = None
            door.close()
            await server.shutdown(0)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        ask = Ask(
            method=request.method,
            path=request.path_qs,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await read(request),
            peer=request.remote or "",
        )
        reply = await self._adapters[-1].answer(ask, self.contact)
        response = web.Response(status=reply.status, body=reply.body or None)
        for name, value in reply.headers.items():
            for one in (value,) if isinstance(value, str) else value:
                response.headers.add(name, one)
        return response

    def start(self) -> None:
        with socket.socket() as free:
            free.bind((HOST, 0))
            self._port = free.getsockname()[1]
        acs = f"http://{HOST}:{self._port}/{TARGET}"
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"count": BOXES, "acs": acs, "request_gap_s": 0.0001}, file)
            file.flush()
            self.simulator = start_simulator("fleet", "--state", file.name)
        for papers in self.simulator.told["boxes"]:
            self._boxes.learn(papers)
            address = papers["request_url"]
            known = self._boxes.known[papers["serial"]]
            self._boxes.known[papers["serial"]] = replace(known, address=address)
            self._serials.append(papers["serial"])
        self._read = self._changed = 0

    def new_ref(self) -> str:
        self._last = self._serials[next(self._taken)]
        return self._last

    def options(self, deadline_s: float) -> Mapping[str, Any]:
        own = {
            "active": "Device.Services.STBService.1.Enable",
            "packages": "Device.Services.STBService.1.X_BOXOFFICE_Packages",
            "messages": "Device.UserInterface.Messages.",
            "request_every_s": 0.0,
        }
        return {"models": ["RB-1"], "deadline_s": deadline_s, "maps": {"RB-1": own}}

    def secrets(self) -> Sequence[str]:
        return [one for box in list(self._boxes.known.values())[:5] for one in box.secrets.values()]

    def steps(self, ref: str) -> Sequence[ViewerState]:
        plain = ViewerState(ref=ref, enabled=True, packages=frozenset({"basic"}))
        return (
            plain,
            replace(plain, packages=frozenset({"basic", "sport", "kids"}), streams=3),
            replace(plain, packages=frozenset()),
            replace(plain, enabled=False, packages=frozenset({"premium"}), label="Ada"),
        )

    async def box(self, ref: str) -> Mapping[str, Any]:
        """Read a box on the simulator's own side."""
        (box,) = (await self.admin(f"/state?serial={ref}"))["boxes"]
        return box

    async def copies(self, ref: str) -> int:
        return int((await self.box(ref))["revision"] != "")

    async def tamper(self, ref: str) -> None:
        operation = {"op": "set", "serial": ref, "fields": {"active": False}}
        await self.admin("/tamper", operation)

    async def calls(self) -> int:
        raise SkipTest("a verb is as many calls as its session needs")

    async def changes(self) -> int:
        while True:
            page = await self.admin(f"/journal?after={self._read}&face=device&changed=1&limit=1000")
            for entry in page["entries"]:
                names = {*(entry["before"] or {}), *(entry["after"] or {})} - {KEY}
                self._changed += entry["call"] == "SetParameterValues" and bool(
                    {n for n in names if (entry["before"] or {}).get(n) != entry["after"].get(n)}
                )
            if not page["entries"]:
                return self._changed
            self._read = page["entries"][-1]["n"]

    async def heard(self, ref: str) -> Sequence[str]:
        message = (await self.box(ref))["message"]
        return [message["text"]] if message else []

    @asynccontextmanager
    async def fault(self, name: str, *, skip: int = 0) -> AsyncIterator[None]:
        if name == "unauthorized":
            async with self._other_password():
                yield
            return
        wish: dict[str, Any] = dict(ASKED[name])
        if name != "down":
            wish |= {"count": 1, "skip": skip}
        async with self._hurt(wish):
            yield

    @asynccontextmanager
    async def aftermath(self, name: str) -> AsyncIterator[None]:
        async with self._hurt({**ASKED[name], "count": 1}):
            yield

    @asynccontextmanager
    async def _hurt(self, wish: Mapping[str, Any]) -> AsyncIterator[None]:
        ref = self._last
        await self._calm(ref)
        async with self._set({**wish, "match": ref}):
            yield
        await self._calm(ref)

    @asynccontextmanager
    async def _other_password(self) -> AsyncIterator[None]:
        ref = self._last
        right = self._boxes.known[ref].secrets["connection_password"]
        await self._request_password(ref, "another one")
        try:
            yield
        finally:
            await self._request_password(ref, right)

    async def _request_password(self, ref: str, password: str) -> None:
        fields = {"request_password": password}
        await self.admin("/tamper", {"op": "credentials", "serial": ref, "fields": fields})

    async def _calm(self, ref: str) -> None:
        """Wait until a box has said all it had to say, as after a restart."""
        while (  # noqa: ASYNC110 - there is no event to wait for in another process
            cwmp := (await self.box(ref))["cwmp"]
        )["events"] or cwmp["in_session"]:
            await asyncio.sleep(0.01)
