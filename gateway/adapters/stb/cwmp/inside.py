"""A box as an adapter sees it inside one session: every verb is a call that the box answers.

What a box holds is read from it, what is written carries the revision as the ParameterKey, and a
key that is not ours proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from typing import ClassVar

from gateway.adapters.sdk import Adapter, Health, Options, Pending
from gateway.adapters.state import ViewerState
from gateway.adapters.stb.cwmp import writing
from gateway.adapters.stb.cwmp.faults import BoxFault, Faulted, error_of
from gateway.adapters.stb.cwmp.maps import ParameterMap
from gateway.adapters.stb.cwmp.options import CwmpOptions
from gateway.adapters.stb.cwmp.session import Session
from gateway.adapters.stb.cwmp.soap import Unreadable, status_of, values_of
from gateway.adapters.stb.cwmp.writing import Value, boolean, truth
from terms.errors import Conflict, Permanent, Retryable, TargetError, Unsupported, untouched

# A key for what was written and proves nothing: no revision has this number.
NO_PROOF = "0"
AT_ITS_BOOT = "the box does it at its next boot"
KEY_KEPT = "the box did what was asked and kept its old ParameterKey: it proves nothing by calling"
_SERIAL = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")


def check_ref(ref: str) -> None:
    """Refuse what is no serial, before anything is asked about it."""
    if not _SERIAL.fullmatch(ref):
        raise Unsupported("a serial is 1 to 64 letters, digits, dots and dashes")


def expressed(desired: ViewerState, packages_max: int) -> ViewerState:
    """Word a wish as a box can hold it: on or off, and its packages."""
    check_ref(desired.ref)
    if desired.tariff:
        raise Unsupported("a box has no tariff: route every code to it as a package")
    if desired.devices:
        raise Unsupported("a box has no boxes")
    if len(desired.packages) > packages_max:
        raise Unsupported(f"{len(desired.packages)} packages; the box takes {packages_max}")
    for code in sorted(desired.packages):
        if not _CODE.fullmatch(code):
            raise Unsupported(f"no package code of a box: {code[:40]!r}")
    return ViewerState(
        ref=desired.ref,
        enabled=desired.enabled,
        packages=desired.packages,
        revision=desired.revision,
    )


def is_as_wished(desired: ViewerState, held: ViewerState | None) -> bool:
    """Tell whether a box holds a wish and says so by its key."""
    return held is not None and held == desired and held.revision == desired.revision


class InSession(Adapter[ViewerState]):
    """One box for the time of one session."""

    options_type: ClassVar[type[Options]] = CwmpOptions

    def __init__(self, outside: Adapter[ViewerState], session: Session, map_: ParameterMap) -> None:
        super().__init__(outside.name, outside.options, outside.http)
        self.session = session
        self.map = map_

    def express(self, desired: ViewerState) -> ViewerState:
        """Word the wish as this model can hold it."""
        return expressed(desired, self.map.packages_max)

    def fits(self, desired: ViewerState, held: ViewerState | None) -> bool:
        """Tell whether the box holds the wish and says so by its key."""
        return is_as_wished(desired, held)

    async def probe(self) -> Health:
        """Find the box there: it is in this session."""
        return Health()

    async def observe(self, ref: str) -> ViewerState | None:
        """Read what the box holds; None where it carries no key, as after a factory reset."""
        self._check_here(ref)
        names = (self.map.active, self.map.packages, self.map.key)
        found = await self.get(names)
        lacking = [name for name in names if name not in found]
        active = truth(found.get(self.map.active, ""))
        if lacking or active is None:
            raise Retryable("the box answered without the values that were asked for")
        key = found[self.map.key].strip()
        if not key:
            return None
        return ViewerState(
            ref=ref,
            enabled=active,
            packages=codes_of(found[self.map.packages]),
            revision=int(key) if key.isascii() and key.isdigit() else 0,
        )

    async def apply(self, desired: ViewerState, observed: ViewerState | None) -> Pending | None:
        """Set everything and the key in one call, which the box does as a whole or not at all."""
        self._check_here(desired.ref)
        is_same = observed is not None and observed == desired
        if is_same and is_as_wished(desired, observed):
            return None
        try:
            status = await self._set(self._values(desired), str(desired.revision))
        except Faulted as refused:
            raise await self._without_refused(desired, refused.fault) from None
        if status == 0 or is_same:
            return None
        # The key stands already, and must not prove what is not done yet.
        await self.set(self._values(desired), NO_PROOF)
        return Pending(reason=AT_ITS_BOOT)

    def explain(self, desired: ViewerState, held: ViewerState | None) -> str:
        """Say that a box which holds everything but the key proves nothing."""
        is_unproven = held is None or (held == desired and not is_as_wished(desired, held))
        return KEY_KEPT if is_unproven else ""

    async def remove(self, ref: str) -> None:
        """Leave the box dark, without packages and without a key."""
        self._check_here(ref)
        await self.set(self._values(ViewerState(ref=ref, enabled=False)), "")

    async def scan(self) -> AsyncIterator[ViewerState]:
        """Give the one box that is here."""
        held = await self.observe(self.session.inform.serial)
        if held is not None:
            yield held

    # -- calls

    async def get(self, names: Iterable[str]) -> dict[str, str]:
        """Read parameters."""
        try:
            answer = await self.session.ask("GetParameterValues", writing.get_values([*names]))
            return dict(values_of(answer))
        except Faulted as error:
            raise error_of(error.fault) from None
        except Unreadable as error:
            raise Retryable(f"the box's answer cannot be read: {error}") from None

    async def set(self, values: Iterable[Value], key: str) -> int:
        """Write parameters and the key; 0 is done, 1 is done at the next boot."""
        try:
            return await self._set(values, key)
        except Faulted as error:
            raise error_of(error.fault) from None

    async def _set(self, values: Iterable[Value], key: str) -> int:
        answer = await self.session.ask("SetParameterValues", writing.set_values(values, key))
        try:
            return status_of(answer)
        except Unreadable as error:
            raise Retryable(f"the box's answer cannot be read: {error}") from None

    async def _without_refused(self, desired: ViewerState, fault: BoxFault) -> TargetError:
        """Have the box hold the rest where it refuses packages by name; gives the error."""
        told = [one.text for one in fault.parameters if one.name == self.map.packages]
        refused = {code for code in desired.packages for text in told if _is_named(code, text)}
        if not refused:
            return error_of(fault)
        rest = desired.packages - refused
        await self.set(
            self._values(ViewerState(ref=desired.ref, enabled=desired.enabled, packages=rest)),
            NO_PROOF,
        )
        return Permanent(f"the box has no package {', '.join(map(repr, sorted(refused)))}")

    def _values(self, state: ViewerState) -> list[Value]:
        return [
            (self.map.active, "boolean", boolean(is_true=state.enabled)),
            (self.map.packages, "string", ",".join(sorted(state.packages))),
        ]

    def _check_here(self, ref: str) -> None:
        check_ref(ref)
        if ref != self.session.ref:
            raise untouched(Conflict(f"the box in this session is not {ref}"))


def codes_of(text: str) -> frozenset[str]:
    """Read a list of package codes as a box writes it."""
    return frozenset(code for part in text.split(",") if (code := part.strip()))


def _is_named(code: str, text: str) -> bool:
    return re.search(rf"(?<![0-9A-Za-z._-]){re.escape(code)}(?![0-9A-Za-z_-])", text) is not None
