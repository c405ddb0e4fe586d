"""The kinds `cwmp` and `fleet`: a rack of boxes that call an ACS, and what the admin face can do.

In the one every box listens for connection requests on a port of its own, in the other all share
one; all else is the same.
"""

import argparse
import asyncio
import gc
import random
from collections.abc import Mapping
from typing import Any

from simulators.simulator import BadOperation, Stage
from simulators.stb import options
from simulators.stb.box import Box
from simulators.stb.boxes import arm
from simulators.stb.cwmp.bells import Bells
from simulators.stb.cwmp.cpe import PERIODIC, VALUE_CHANGE, Around, Cpe, Pace
from simulators.stb.cwmp.paths import ENABLE, PACKAGES, SOFTWARE
from simulators.stb.cwmp.runner import AT_ONCE_MAX, Runner
from simulators.stb.cwmp.tree import URL
from simulators.stb.rack import Rack

FIRST = ("bootstrap", "boot", "none")
EVERY = "*"
YOUNG_MAX = 20_000  # objects that wait for the collector
# What a hand may change, and the parameter that tells of it.
_TELLING = {"active": ENABLE, "packages": PACKAGES, "firmware": SOFTWARE}
_OWN = frozenset({
    *("acs", "period_s", "retry_m_s", "retry_k", "answer_s", "request_gap_s"),
    *("first", "storm_s", "at_once_max"),
})  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what both kinds take."""
    options.add_options(parser)
    parser.add_argument("--acs", metavar="URL", help="where boxes call that name no ACS themselves")
    parser.add_argument("--period-s", type=float, help="periodic Inform until an ACS sets another")
    parser.add_argument("--retry-m-s", type=float, help="m of the retry schedule, 5 s by default")
    parser.add_argument("--retry-k", type=float, help="k of the retry schedule, 2 by default")
    parser.add_argument("--answer-s", type=float, help="how long a box waits for an answer")
    parser.add_argument("--request-gap-s", type=float, help="between connection requests, 1 s")
    parser.add_argument("--first", choices=FIRST, help="what boxes tell first")
    parser.add_argument("--storm-s", type=float, help="their power returns within so many seconds")
    parser.add_argument("--at-once-max", type=int, help="sessions at a time in this process")


class CwmpFace:
    """The boxes as callers and as listeners; `is_shared` means one port for all."""

    def __init__(self, stage: Stage, own: Mapping[str, Any], kind: str, *, is_shared: bool) -> None:
        self.kind = kind
        self.cpes: dict[str, Cpe] = {}
        self._stage = stage
        self._first = str(own.get("first", "bootstrap"))
        self._is_shared = is_shared
        self._bells: dict[str, Bells] = {}
        self.around = Around(
            journal=stage.journal,
            faults=stage.faults,
            pace=_pace(own),
            latency_s=stage.latency_s,
        )
        self.runner: Runner

    async def hold(self, box: Box, port: int) -> int:
        """Take the port of a box, or the one of all."""
        bells = next(iter(self._bells.values()), None) if self._is_shared else None
        if bells is None:
            rng = random.Random(f"{box.seed}:{box.serial}:nonces")
            wanted = self._stage.port if self._is_shared else port
            bells = Bells(self.around, self.runner.look, rng, self._stage.host, wanted)
            if self._is_shared:
                await bells.door.open()
        self._bells[box.serial] = bells
        self._cpe(box)
        return bells.door.port

    async def open(self, box: Box) -> None:
        """Let the box call, and take connection requests."""
        cpe = self._cpe(box)
        cpe.is_linked = True
        if not self._is_shared:
            await self._bells[box.serial].door.open()
        self.runner.look(cpe)

    async def shut(self, box: Box) -> None:
        """Break its session off and let nothing begin."""
        cpe = self.cpes[box.serial]
        cpe.is_linked = False
        self.runner.look(cpe)
        await self.runner.cut(cpe)
        if not self._is_shared:
            await self._bells[box.serial].door.shut()

    async def release(self) -> None:
        """Give every port back."""
        await self.runner.stop()
        for bells in {id(one): one for one in self._bells.values()}.values():
            await bells.door.close()

    def papers(self, box: Box) -> Mapping[str, Any]:
        """Tell how the box calls, and how it is rung."""
        credentials = box.credentials
        return {
            "oui": box.oui,
            "acs_username": credentials.acs_username,
            "acs_password": credentials.acs_password,
            "request_url": self._cpe(box).request_url,
            "request_username": credentials.request_username,
            "request_password": credentials.request_password,
        }

    def common(self) -> Mapping[str, Any]:
        """Tell where the one listener of all boxes is."""
        shared = next(iter(self._bells.values()), None) if self._is_shared else None
        return {} if shared is None else {"url": shared.door.url}

    def _cpe(self, box: Box) -> Cpe:
        """Find the CWMP side of a box; another box of the same serial begins anew."""
        cpe = self.cpes.get(box.serial)
        if cpe is None or cpe.box is not box:
            if cpe is not None:
                cpe.is_linked = False
            cpe = self.cpes[box.serial] = Cpe(box, self.around)
            self._bells[box.serial].serve(cpe)
            if self._first != "bootstrap":
                cpe.is_new_to_acs = False
            if self._first == "none":
                cpe.boots_seen = box.boots
        return cpe


class CwmpRack(Rack):
    """The boxes of one process."""

    def __init__(
        self, stage: Stage, state: Mapping[str, Any], kind: str, *, is_shared: bool
    ) -> None:
        own = {name: state[name] for name in state.keys() & _OWN}
        self._acs = _acs(own)
        self._storm_s = own.get("storm_s")
        if self._storm_s is not None:
            own.setdefault("first", "boot")
        self._face_of_all = CwmpFace(stage, own, kind, is_shared=is_shared)
        rest = {name: value for name, value in state.items() if name not in _OWN}
        super().__init__(stage, rest, self._face_of_all)
        at_once_max = int(own.get("at_once_max", AT_ONCE_MAX))
        face = self._face_of_all
        face.runner = Runner(face.around, self.call, at_once_max=at_once_max)
        stage.journal.more = lambda: {"sessions": face.runner.tally.shown()}

    async def start(self) -> None:
        """Take the ports and switch the boxes on, at once or as in a storm."""
        if self._storm_s is not None:
            for box in self.boxes.values():
                box.power_off()
        await super().start()
        # Boxes stay for the life of the process; looking through them all again and again would
        # cost a quarter of what a session does.
        gc.freeze()
        gc.set_threshold(YOUNG_MAX)
        if self._storm_s is not None:
            self._storm(float(self._storm_s))

    def state(self, wanted: Mapping[str, str]) -> Any:
        """Show the boxes, each with its side towards the ACS."""
        shown = super().state(wanted)
        for box in shown["boxes"]:
            box["cwmp"] = self._face_of_all.cpes[box["serial"]].shown()
        return shown

    async def tamper(self, operation: Mapping[str, Any]) -> Any:
        """Do an operation to the box of `serial`, or to all with `*`."""
        if operation.get("op") == "storm":
            return self._storm(float(operation.get("within_s", 10.0)))
        if operation.get("serial") != EVERY:
            return await self._one(operation)
        return [await self._one({**operation, "serial": serial}) for serial in self.boxes]

    def reset(self) -> None:
        """Put every box back to its start; sessions are counted anew."""
        super().reset()
        self._face_of_all.runner.tally.clear()

    async def _one(self, operation: Mapping[str, Any]) -> Any:
        if operation.get("op") == "inform":
            return self._inform(operation)
        result = await super().tamper(operation)
        if operation.get("op") == "set" and operation.get("notify"):
            changed = [_TELLING[name] for name in operation["fields"] if name in _TELLING]
            self._told(operation, VALUE_CHANGE, changed)
        return result

    def _inform(self, operation: Mapping[str, Any]) -> Any:
        self.stage.journal.event("TAMPER inform", str(operation.get("serial")), face="admin")
        return self._told(operation, str(operation.get("event", PERIODIC)), ())

    def _told(self, operation: Mapping[str, Any], code: str, changed: Any) -> Any:
        cpe = self._face_of_all.cpes[self.box(str(operation.get("serial", ""))).serial]
        if code == VALUE_CHANGE:
            cpe.change(changed)
        else:
            cpe.add(code, str(operation.get("key", "")))
        self._face_of_all.runner.look(cpe)

    def _storm(self, within_s: float) -> int:
        """Cut the power of all boxes, and let it return to each at its own moment."""
        if within_s < 0:
            raise BadOperation("within_s is less than nothing")
        self.stage.journal.event("TAMPER storm", EVERY, face="admin")
        loop = asyncio.get_running_loop()
        for box in self.boxes.values():
            box.power_off()
            loop.call_later(self.chance.uniform(0.0, within_s), box.power_on)
        return len(self.boxes)

    def _loaded(self) -> dict[Box, int]:
        boxes = super()._loaded()
        for box in boxes:
            if not box.factory.acs_url:
                arm(box, {"acs_url": self._acs})
            if not box.factory.acs_url:
                raise BadOperation(f"box {box.serial} has no ACS to call: give --acs URL")
        return boxes


def _pace(own: Mapping[str, Any]) -> Pace:
    told: dict[str, float] = {}
    for name in Pace.__dataclass_fields__.keys() & own.keys():
        try:
            told[name] = float(own[name])
        except (TypeError, ValueError):
            raise BadOperation(f"{name}: {own[name]!r} is no number") from None
        if told[name] <= 0:
            raise BadOperation(f"{name}: more than 0 is expected")
    return Pace(**told)


def _acs(own: Mapping[str, Any]) -> str:
    url = str(own.get("acs", ""))
    if url and not URL.fullmatch(url):
        raise BadOperation(f"acs: {url!r} is no http URL")
    return url
