"""The rack: the boxes of one process, each with a face that is open while its power is on.

Knows power, faults of the whole process, journal and admin; what a face speaks, the face knows.
"""

import asyncio
import contextlib
import itertools
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from simulators.call import Call
from simulators.faults import Fault
from simulators.journal import Face
from simulators.listening import place
from simulators.simulator import BadOperation, Stage
from simulators.stb import tamper
from simulators.stb.box import Box, Power
from simulators.stb.boxes import load_boxes

LOOK_S = 0.05
# What a timer may fire early by; without it a box would be looked at while it still boots.
TIMER_SLACK_S = 0.005


class BoxFace(Protocol):
    """How boxes of one kind are reached. One object serves every box of the process."""

    kind: str

    async def hold(self, box: Box, port: int) -> int:
        """Take the port of a box (0: a free one) without answering there, and tell it."""
        ...

    async def open(self, box: Box) -> None:
        """Answer for the box from now on; it has just come up."""
        ...

    async def shut(self, box: Box) -> None:
        """Break every link to the box and answer no more."""
        ...

    async def release(self) -> None:
        """Give every port back."""
        ...

    def papers(self, box: Box) -> Mapping[str, Any]:
        """Tell what a purchase list would hold about reaching the box."""
        ...

    def common(self) -> Mapping[str, Any]:
        """Tell what holds for all boxes alike."""
        ...


@dataclass(slots=True, kw_only=True)
class _Open:
    """A box whose face is open, in which boot."""

    box: Box
    boots: int


class Rack:
    """The boxes as the process and the admin face see them."""

    def __init__(self, stage: Stage, state: Mapping[str, Any], face: BoxFace) -> None:
        self.kind = face.kind
        self.stage = stage
        self.chance = random.Random(f"{state.get('seed', 1)}:{face.kind}")
        self._state = state
        self._face = face
        self._ports: dict[str, int] = {}
        self._open: dict[str, _Open] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._due: asyncio.Queue[str] = asyncio.Queue()
        self._numbers = itertools.count(1)
        self._tasks: list[asyncio.Task[None]] = []
        self.boxes: dict[str, Box] = {}
        for box, port in self._loaded().items():
            self._ports[box.serial] = port

    # Faces

    @property
    def system(self) -> "Rack":
        """The rack is its own system."""
        return self

    async def start(self) -> None:
        """Take every port, then open the boxes that are on."""
        for number, box in enumerate(self.boxes.values()):
            first = self.stage.port
            wanted = self._ports[box.serial] or (first + number if first else 0)
            self._ports[box.serial] = await self._face.hold(box, wanted)
        for box in self.boxes.values():
            await self._follow(box)
        self._tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._look())]

    async def stop(self) -> None:
        """Shut every box and give the ports back."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for timer in self._timers.values():
            timer.cancel()
        for held in list(self._open.values()):
            await self._face.shut(held.box)
        await self._face.release()

    async def follow_modes(self) -> None:
        """Look at every box; done when its face is as its power and the modes say."""
        skew = self.stage.faults.mode("skew")
        self.stage.clock.skew_s = 0.0 if skew is None else skew.seconds
        for serial in self.boxes:
            self._due.put_nowait(serial)
        await self._due.join()

    def told(self) -> dict[str, Any]:
        """Tell what a purchase list would hold of each box."""
        boxes = [self._papers(box) for box in self.boxes.values()]
        return {**self._face.common(), "boxes": boxes}

    # System

    def state(self, wanted: Mapping[str, str]) -> Any:
        """Show the boxes: all, or the one of `serial`."""
        serial = wanted.get("serial")
        chosen = self.boxes.values() if serial is None else [self.box(serial)]
        return {
            "kind": self.kind,
            "boxes": [{**box.shown(), **self._papers(box)} for box in chosen],
        }

    async def tamper(self, operation: Mapping[str, Any]) -> Any:
        """Do one of the operations of the tamper module."""
        name, serial = tamper.named(operation)
        box = self.box(serial)
        before = box.shown()
        result = tamper.operate(box, name, operation)
        self.event(f"TAMPER {name}", box, before, "admin")
        return result

    def reset(self) -> None:
        """Put every box back to its start; ports stay."""
        self._loaded()

    # What faces need

    def box(self, serial: str) -> Box:
        """Find a box; raises BadOperation where there is none."""
        if serial not in self.boxes:
            raise BadOperation(f"no box with serial {serial!r}")
        return self.boxes[serial]

    @contextmanager
    def call(self, box: Box, method: str, words: str) -> Iterator[Call]:
        """Count a call to a box for as long as it is under way; it is about that box."""
        call = Call(id=next(self._numbers), method=method, path=box.serial, words=words)
        call.latency_left_s = self.stage.latency_s
        self.stage.journal.begin(call, f"{self.kind} {method}")
        try:
            yield call
            if call.is_write and not call.entries:
                self.stage.journal.attempt(call, box.serial)
        finally:
            self.stage.journal.end(call)

    def drawn(self, call: Call, target: str) -> tuple[float, Fault | None]:
        """Decide which delay (seconds) and which fault the call suffers; `target` is matched."""
        hurt = self.stage.faults.draw(call.method, target)
        if hurt.fault is not None:
            call.fault = hurt.fault.name
            self.struck(hurt.fault)
        return hurt.delay_s, hurt.fault

    def struck(self, fault: Fault) -> None:
        """Count a fault."""
        self.stage.journal.faults[fault.name] += 1

    def effect(self, call: Call, box: Box, before: Mapping[str, Any]) -> None:
        """Record what a call changed of a box since `before` (as shown)."""
        old, new = differences(before, box.shown())
        self.stage.journal.effect(call, box.serial, before=old, after=new)

    def event(
        self,
        what: str,
        box: Box,
        before: Mapping[str, Any] | None = None,
        face: Face = "device",
    ) -> None:
        """Record what happened to a box without a call, and what it changed."""
        old, new = ({}, {}) if before is None else differences(before, box.shown())
        self.stage.journal.event(what, box.serial, face=face, before=old, after=new)

    # Power

    def _loaded(self) -> dict[Box, int]:
        boxes = load_boxes(self._state, self.stage.clock)
        self.boxes = {box.serial: box for box in boxes}
        for box in boxes:
            box.watcher = self._changed
        return boxes

    def _changed(self, box: Box) -> None:
        self._due.put_nowait(box.serial)

    async def _work(self) -> None:
        while True:
            serial = await self._due.get()
            try:
                await self._follow(self.boxes[serial])
            except (OSError, BadOperation) as error:
                sys.stderr.write(f"simulators: {serial}: {error}\n")
            finally:
                self._due.task_done()

    async def _look(self) -> None:
        """Notice that a `down` of limited time is over; nobody tells of that."""
        was_down = False
        while True:
            await asyncio.sleep(LOOK_S)
            is_down = any(fault["name"] == "down" for fault in self.stage.faults.shown())
            if was_down and not is_down:
                await self.follow_modes()
            was_down = is_down

    async def _follow(self, box: Box) -> None:
        """Make the face of a box what power and modes say, and look again at the next change."""
        self._wake_at_next_change(box)
        held = self._open.get(box.serial)
        power = box.power
        is_wanted = power in {Power.UP, Power.HALTING} and not self._is_down(box)
        is_same = held is not None and held.box is box
        if is_wanted and is_same and power is Power.HALTING:
            return
        if held is not None and not (is_wanted and is_same and held.boots == box.boots):
            del self._open[box.serial]
            await self._face.shut(held.box)
            if is_same and (power is not Power.UP or held.boots != box.boots):
                self.event("BOX went down", box)
            held = None
        if is_wanted and held is None:
            self._open[box.serial] = _Open(box=box, boots=box.boots)
            await self._face.open(box)
            if box.boots > 1:
                self.event("BOX came up", box)

    def _is_down(self, box: Box) -> bool:
        return self.stage.faults.mode("down", box.serial) is not None

    def _wake_at_next_change(self, box: Box) -> None:
        timer = self._timers.pop(box.serial, None)
        if timer is not None:
            timer.cancel()
        left_s = box.next_change_s
        if left_s is not None:
            loop = asyncio.get_running_loop()
            self._timers[box.serial] = loop.call_later(
                left_s + TIMER_SLACK_S, self._due.put_nowait, box.serial
            )

    def _papers(self, box: Box) -> dict[str, Any]:
        host, port = self.stage.host, self._ports[box.serial]
        return {
            "serial": box.serial,
            "mac": box.mac,
            "model": box.model,
            "address": place(host, port),
            **self._face.papers(box),
        }


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Narrow two pictures of one box to the fields that differ."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}
