"""Injected faults: which there are, how they are written down, which one hits a call.

A specification is `NAME[:ARGUMENT][:key=value]...`, several joined by `;`, for instance
`error:503:count=3;slow:20ms;lost:match=PUT accounts`. The table FAULTS lists the names; keys are
count, skip, match, for and applied. Applying a fault to a socket is simulators.injury's work.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

# name -> argument used where none is given
FAULTS = {
    "down": "",  # the listening socket is closed; argument: for how long
    "silent": "",  # the call is never answered
    "slow": "1s",  # the answer comes that much later
    "drip": "100ms",  # the answer comes byte by byte, with this pause
    "reset": "",  # connection reset, nothing applied
    "lost": "",  # connection reset after the effect was applied
    "half": "connection",  # applied; it breaks off ("connection") or is cut ("json", "text")
    "huge": "100MB",  # applied; the answer is a body of that size
    "garbage": "login",  # 200 with HTML: "login" page or PHP "fatal"
    "error": "500",  # this status
    "throttled": "1",  # 429, Retry-After in seconds
    "unauthorized": "",
    "conflict": "",
    "refused": "",  # an application error in the kind's own words; argument: the text
    "skew": "1h",  # the simulator's clock runs that much ahead (or behind: -1h)
    "webhook_delay": "1s",
    "webhook_duplicate": "2",  # delivered that many times
    "webhook_reorder": "2",  # held back until that many wait, then sent newest first
    "webhook_drop": "",  # never delivered, not even retried
    "crash": "",  # applied; the box restarts before it answers
    "wrong_host_key": "",
    "other_host_key": "",  # a host key of another type
    "auth_refused": "",
    "crowded": "",  # the connection is reset, as where too many are open
    "banner_silence": "",  # the banner, then nothing
    "slow_banner": "1s",
    "legacy": "",  # algorithms of twenty years ago and nothing else
    "half_set": "",  # all variables but the last are written, then commitFailed
    "read_only": "",  # every SET is noAccess
    "wrong_request_id": "",
    "null_forgery": "",  # success with every value NULL, and nothing applied
    "too_big": "1",  # answers that would hold more variables than that are tooBig
    "endless_walk": "growing",  # the walk never ends; or it is "stuck" at one OID
    "duplicate": "",  # the answer comes twice
    "truncated": "",  # the answer is cut in half
    "malformed": "",  # the answer is no BER
    "loss": "20",  # so many percent of the datagrams vanish, in each direction
    "nat": "",  # connection requests vanish, and the box tells a private address
    "clock_1970": "",  # the box has no time server
    "clone": "",  # the box shows this serial, and after a comma this MAC (12 digits)
    "odd_values": "",  # the box words what it is asked for in another way than it was told
    "flap": "2s",  # the link is down for that long, then up for that long
    "wrong_password": "",
    "nonce_replay": "",  # the second message repeats the proof of the first
    "half_open": "30s",  # after the Inform the box says nothing more, for that long
    "slow_loris": "1s",  # the Inform comes byte by byte, with this pause
    "torn_gzip": "",  # the Inform claims to be gzip, and is not quite
    "lost_link": "between",  # the connection is lost "between" two messages, or with an "answer"
    "odd_xml": "prefix",  # "prefix", "pretty", "space" before the root, or a lying "count"
    "status_1": "",  # a set is answered with Status 1, and done at the next boot
    "key_stuck": "",  # a set leaves ParameterKey as it was
    "lies": "",  # a set is told to be done, and is not
    "stale": "",  # a set is done, and the old values are told until the next boot
    "cwmp_fault": "9002",  # this code, for a method or for one parameter
    "unknown_name_crash": "",  # an unknown parameter ends the session, and the box boots again
    "reboot_in_set": "before",  # the box boots again "before" or "after" a set is done
    "plain_boot": "",  # a factory reset comes back without BOOTSTRAP
}
# A condition of the whole simulator, or of the boxes that match, not of one call.
MODES = frozenset({"down", "skew", "loss"})
WEBHOOK = frozenset(name for name in FAULTS if name.startswith("webhook_"))
CONNECTION = frozenset({
    *("wrong_host_key", "other_host_key", "auth_refused", "crowded", "banner_silence"),
    *("slow_banner", "legacy"),
})  # fmt: skip
DATAGRAM = frozenset({"duplicate", "truncated", "malformed"})
CWMP_MODES = frozenset({"nat", "clock_1970", "clone", "odd_values", "flap"})
CWMP = frozenset({
    *("wrong_password", "nonce_replay", "half_open", "slow_loris", "torn_gzip", "lost_link"),
    *("odd_xml", "status_1", "key_stuck", "lies", "stale", "cwmp_fault", "unknown_name_crash"),
    *("reboot_in_set", "plain_boot"),
})  # fmt: skip
# Drawn by others than the one call.
_ELSEWHERE = MODES | WEBHOOK | CONNECTION | DATAGRAM | CWMP_MODES | CWMP
DELAYS = frozenset({"slow"})
# The effect is applied before they strike.
AFTER = frozenset({"lost", "half", "huge", "drip", "crash"})

_TIMED = frozenset({
    *("slow", "drip", "skew", "webhook_delay", "slow_banner", "flap", "half_open", "slow_loris"),
})  # fmt: skip
_NUMBERED = frozenset({
    *("error", "throttled", "loss", "too_big", "webhook_duplicate", "webhook_reorder"),
    *("cwmp_fault",),
})  # fmt: skip

_CHOICES = {
    "odd_xml": frozenset({"prefix", "pretty", "space", "count"}),
    "lost_link": frozenset({"between", "answer"}),
    "reboot_in_set": frozenset({"before", "after"}),
}

_UNITS_S = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_UNITS_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}


class BadFault(ValueError):
    """A fault specification that cannot be read."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault that lies in wait."""

    name: str
    argument: str
    match: str = ""
    count_left: int | None = None
    skip_left: int = 0
    ends_at: float | None = None
    applied: bool = False

    @property
    def seconds(self) -> float:
        """The argument as a duration."""
        return seconds(self.argument)

    @property
    def size_bytes(self) -> int:
        """The argument as a size."""
        number, unit = _split_unit(self.argument)
        if unit not in _UNITS_BYTES:
            raise BadFault(f"{self.argument!r} is no size")
        return int(number * _UNITS_BYTES[unit])

    @property
    def number(self) -> int:
        """The argument as an integer."""
        try:
            return int(self.argument)
        except ValueError:
            raise BadFault(f"{self.argument!r} is no whole number") from None

    @property
    def strikes_after(self) -> bool:
        """Whether the call's effect is applied before the fault strikes."""
        return self.applied or self.name in AFTER

    def is_over(self, now: float) -> bool:
        """Tell whether its time or its count has run out."""
        return self.count_left == 0 or (self.ends_at is not None and now >= self.ends_at)

    def shown(self) -> dict[str, Any]:
        """Show what is left of it."""
        return {
            "name": self.name,
            "argument": self.argument,
            "match": self.match,
            "count_left": self.count_left,
            "skip_left": self.skip_left,
            "seconds_left": None if self.ends_at is None else self.ends_at - time.monotonic(),
            "applied": self.applied,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Hurt:
    """What one call suffers."""

    delay_s: float
    fault: Fault | None


UNHURT = Hurt(delay_s=0.0, fault=None)


class Faults:
    """The faults in force. `draw` spends them call by call, in the order they were set."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._delays_over = asyncio.Event()

    def add(self, faults: Iterable[Fault]) -> None:
        """Set more faults; a mode replaces an earlier one of its name."""
        for fault in faults:
            if fault.name in MODES:
                self.clear(fault.name)
            self._faults.append(fault)

    def clear(self, name: str = "") -> None:
        """Remove the faults of a name, or all; the calls that a delay still holds go on."""
        self._faults = [fault for fault in self._faults if name and fault.name != name]
        if not name or name in DELAYS:
            self._delays_over.set()
            self._delays_over = asyncio.Event()

    async def delay(self, delay_s: float) -> None:
        """Hold a call for that long, or until the delays are cleared."""
        if delay_s > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._delays_over.wait(), delay_s)

    def mode(self, name: str, target: str = "") -> Fault | None:
        """Find the mode of that name while it is in force for the target."""
        if not self._faults:
            return None
        now = time.monotonic()
        named = [f for f in self._faults if f.name == name and not f.is_over(now)]
        found = [fault for fault in named if re.search(fault.match, target)]
        return found[-1] if found else None

    def draw(self, method: str, target: str) -> Hurt:
        """Decide what a call suffers, and spend it."""
        if not self._faults:
            return UNHURT
        delay_s = 0.0
        for fault in self._in_force(_ELSEWHERE, wanted=False):
            if not hits(fault.match, method, target) or not _spent(fault):
                continue
            if fault.name not in DELAYS:
                return Hurt(delay_s=delay_s, fault=fault)
            delay_s += fault.seconds
        return Hurt(delay_s=delay_s, fault=None)

    def draw_webhook(self, event_type: str) -> list[Fault]:
        """Decide what the delivery of an event suffers, and spend it."""
        return self._drawn(WEBHOOK, event_type)

    def draw_connection(self, target: str) -> list[Fault]:
        """Decide what a connection suffers before anything is asked, and spend it."""
        return self._drawn(CONNECTION, target)

    def draw_datagram(self, target: str) -> list[Fault]:
        """Decide what the datagram of an answer suffers, and spend it."""
        return self._drawn(DATAGRAM, target)

    def draw_named(self, name: str, target: str) -> Fault | None:
        """Find the first fault of that name which hits the target, and spend it."""
        if not self._faults:
            return None
        return next(iter(self._drawn(frozenset({name}), target)), None)

    def shown(self) -> list[dict[str, Any]]:
        """Show the faults in force."""
        now = time.monotonic()
        return [fault.shown() for fault in self._faults if not fault.is_over(now)]

    def _drawn(self, names: frozenset[str], target: str) -> list[Fault]:
        return [
            fault
            for fault in self._in_force(names, wanted=True)
            if re.search(fault.match, target) and _spent(fault)
        ]

    def _in_force(self, names: frozenset[str], *, wanted: bool) -> list[Fault]:
        now = time.monotonic()
        self._faults = [fault for fault in self._faults if not fault.is_over(now)]
        return [fault for fault in self._faults if (fault.name in names) == wanted]


def hits(match: str, method: str, target: str) -> bool:
    """Tell whether `[VERB[|VERB]] [REGEX]` fits a call; the regex searches the path and query."""
    verbs, _, pattern = match.partition(" ")
    if not re.fullmatch(r"[A-Z]+(\|[A-Z]+)*", verbs):
        return re.search(match, target) is not None
    return method in verbs.split("|") and re.search(pattern, target) is not None


def parse(spec: str) -> list[Fault]:
    """Read a specification such as `error:503:count=3;slow:20ms`."""
    return [_parse_one(part.strip()) for part in spec.split(";") if part.strip()]


def from_json(value: Mapping[str, Any]) -> Fault:
    """Read a fault from an admin request: name, argument and the keys of a specification."""
    known = {"name", "argument", "count", "skip", "match", "for", "applied"}
    if not value.keys() <= known:
        raise BadFault(f"unknown key {min(value.keys() - known)!r}")
    name = str(value.get("name", ""))
    keys = {key: str(value[key]) for key in known - {"name", "argument"} if key in value}
    return _make(name, str(value["argument"]) if "argument" in value else None, keys)


def seconds(text: str) -> float:
    """Read a duration such as 20ms, 10s, 5m, -1h or a bare number of seconds."""
    number, unit = _split_unit(text)
    if unit not in _UNITS_S:
        raise BadFault(f"{text!r} is no duration")
    return number * _UNITS_S[unit]


def _parse_one(part: str) -> Fault:
    name, *rest = part.split(":")
    argument: str | None = None
    keys: dict[str, str] = {}
    last = ""
    for piece in rest:
        key, equals, value = piece.partition("=")
        if equals and key in {"count", "skip", "match", "for", "applied"}:
            keys[key] = value
            last = key
        elif last == "match":
            keys["match"] += ":" + piece  # a colon inside the pattern
        elif argument is None and not keys:
            argument = piece
        else:
            raise BadFault(f"{piece!r} in {part!r} is no key=value")
    return _make(name, argument, keys)


def _make(name: str, argument: str | None, keys: Mapping[str, str]) -> Fault:
    if name not in FAULTS:
        raise BadFault(f"unknown fault {name!r}; known: {', '.join(FAULTS)}")
    fault = Fault(
        name=name,
        argument=FAULTS[name] if argument is None else argument,
        match=keys.get("match", ""),
        count_left=int(keys["count"]) if "count" in keys else None,
        skip_left=int(keys.get("skip", 0)),
        ends_at=time.monotonic() + seconds(keys["for"]) if "for" in keys else None,
        applied=keys.get("applied", "").lower() in {"1", "yes", "true"},
    )
    if name == "down" and fault.argument:
        fault = replace(fault, ends_at=time.monotonic() + fault.seconds)
    _check(fault)
    return fault


def _check(fault: Fault) -> None:
    """Fail at once rather than when the fault strikes."""
    try:
        re.compile(fault.match)
    except re.error as error:
        raise BadFault(f"match {fault.match!r}: {error}") from None
    if fault.name in _TIMED:
        seconds(fault.argument)
    if fault.name in _NUMBERED:
        _ = fault.number
    if fault.argument not in _CHOICES.get(fault.name, {fault.argument}):
        raise BadFault(f"{fault.name}: one of {', '.join(sorted(_CHOICES[fault.name]))}")
    if fault.name == "huge":
        _ = fault.size_bytes


def _spent(fault: Fault) -> bool:
    """Spend one hit; False while the first calls are still skipped."""
    if fault.skip_left > 0:
        fault.skip_left -= 1
        return False
    if fault.count_left is not None:
        if fault.count_left <= 0:
            return False
        fault.count_left -= 1
    return True


def _split_unit(text: str) -> tuple[float, str]:
    found = re.fullmatch(r"([+-]?\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if found is None:
        raise BadFault(f"{text!r} has no number")
    return float(found[1]), found[2].lower()
