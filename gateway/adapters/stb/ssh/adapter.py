"""Boxes that take a command language over SSH, each pinned by its host key.

Revision, packages and the picture are three writes, in the order in which it does no harm to stop
anywhere. What the box answered is read back by the caller.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import ClassVar

from gateway.adapters import boxes
from gateway.adapters.sdk import Action, BoxAdapter, Boxes, Http, Options
from gateway.adapters.state import ViewerState
from gateway.adapters.stb.ssh.doors import Doors
from gateway.adapters.stb.ssh.link import Link
from gateway.adapters.stb.ssh.options import SshOptions
from terms.errors import Retryable, Unsupported
from terms.ids import TargetName


class Ssh(BoxAdapter[ViewerState]):
    """Boxes reached by SSH."""

    kind = "ssh"
    pins_keys = True
    options_type: ClassVar[type[Options]] = SshOptions
    options: SshOptions

    def __init__(self, name: TargetName, options: SshOptions, http: Http, boxes: Boxes) -> None:
        super().__init__(name, options, http, boxes)
        self._verbs = options.verbs
        self._doors = Doors(options, http, boxes)

    # -- the contract

    def express(self, desired: ViewerState) -> ViewerState:
        """Keep what a box can hold: no label, no expiry, no limit of streams."""
        return boxes.expressed(desired)

    async def observe(self, ref: str) -> ViewerState:
        """Read the box. Raises Conflict where another one answers at its address."""
        async with self._link(ref) as link:
            return self._state(ref, await self._facts(ref, link))

    async def apply(self, desired: ViewerState, observed: ViewerState | None) -> None:
        """Write the difference, one verb after the other: dark first, light and revision last."""
        names = boxes.writes(desired, observed)
        if not names:
            return
        words = boxes.words_of(desired)
        async with self._link(desired.ref) as link:
            for name in names:
                verb, told = getattr(self._verbs, name), getattr(self._verbs, f"{name}_field")
                answer = await link.ask(verb, words[name])
                if told not in answer:
                    raise Retryable(f"the box answers {verb!r} in another language")

    async def remove(self, ref: str) -> None:
        """Leave the box dark and empty; such a one is fine."""
        await self.apply(boxes.bare(ref), await self.observe(ref))

    # -- optional abilities

    async def perform(self, ref: str, action: Action) -> None:
        """Show a message or restart the box, once."""
        match action.name:
            case "message":
                shown = boxes.shown_of(action)
                async with self._link(ref) as link:
                    answer = await link.ask(self._verbs.show, shown.text, str(shown.seconds))
                if not any(answer.values()):
                    raise Retryable("the box does not say that it shows the message")
            case "reboot":
                async with self._link(ref) as link:
                    await self._restart(ref, action, link)
            case _:
                raise Unsupported(f"a box knows no action {action.name!r}")

    async def drop(self) -> None:
        """Close every link, whoever uses it."""
        await self._doors.drop()

    # -- small parts

    async def _restart(self, ref: str, action: Action, link: Link) -> None:
        """Restart under a key: a box that was restarted under it already is left alone."""
        facts = await self._facts(ref, link)
        key = boxes.key_of(ref, action, facts.get(self._verbs.boot_field, ""))
        if facts.get(self._verbs.last_key_field) == key:
            return
        answer = await link.ask(self._verbs.reboot, key)
        if key not in answer.values():
            raise Retryable("the box does not say that it restarts")

    async def _facts(self, ref: str, link: Link) -> Mapping[str, str]:
        facts = await link.ask(self._verbs.state)
        boxes.check_identity(ref, _needed(facts, self._verbs.serial_field))
        return facts

    def _state(self, ref: str, facts: Mapping[str, str]) -> ViewerState:
        return boxes.state_of(
            ref,
            active=_needed(facts, self._verbs.active_field),
            packages=_needed(facts, self._verbs.packages_field),
            revision=_needed(facts, self._verbs.revision_field),
        )

    @asynccontextmanager
    async def _link(self, ref: str) -> AsyncIterator[Link]:
        """Have the link to a box for oneself; a first key is pinned when the serial is right."""
        boxes.check_serial(ref)
        async with self._doors.to(ref) as link:
            if link.first_key:
                await self._facts(ref, link)
                await self.boxes.pin(ref, link.first_key)
                link.first_key = ""
            yield link


def _needed(facts: Mapping[str, str], name: str) -> str:
    if name not in facts:
        raise Retryable(f"the box does not tell its {name}")
    return facts[name]
