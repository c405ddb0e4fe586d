"""The reference box: what one set-top box holds, does and refuses, without any socket.

Faces translate between a protocol and this model; none keeps state of its own. Time comes from two
clocks that are handed in, chance from the seed alone. Fleets are made by simulators.stb.boxes.
"""

import hashlib
import math
import random
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from simulators.clock import SkewedClock

OUI = "00163E"
MODEL = "RB-1"
FIRMWARE = "1.4.2"
KNOWN_PACKAGES = frozenset({"basic", "premium", "sport", "kids", "hd"})

PACKAGES_MAX = 64
REVISION_CHARS_MAX = 32
KEY_CHARS_MAX = 32
PIN_DIGITS_MIN = 4
PIN_DIGITS_MAX = 8
TEXT_CHARS_MAX = 200
SHOW_S_MAX = 3600
LOG_LINES_MAX = 500

# Time between the answer to a reboot and the end of every link; the definition allows 2 s.
HALT_S = 0.2


class Refusal(Exception):
    """What the box does not do; nothing has changed."""


class BadValue(Refusal):
    """A value the box does not take; names the field and, for packages, the codes."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name = name


class Busy(Refusal):
    """Another write is under way, or the box is about to restart."""


class StorageFull(Refusal):
    """There is no room to keep what was sent."""


class Power(StrEnum):
    """What the box is doing now; a face answers in UP, and in HALTING only to say that it ends."""

    UP = "up"
    HALTING = "halting"
    BOOTING = "booting"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A text on the screen, and how often it was shown; `until` is UTC."""

    id: str
    text: str
    seconds: int
    until: str
    shown: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Credentials:
    """What the box knows callers by, and what it calls the ACS with; empty means none."""

    ssh_keys: tuple[str, ...] = ()  # lines of authorized_keys, key type first
    snmp_user: str = ""
    snmp_auth_key: bytes = b""  # localised, 32 octets (SHA-256)
    snmp_priv_key: bytes = b""  # localised, 16 octets (AES-128)
    snmp_community: str = ""  # v2c is off without one
    acs_url: str = ""
    acs_username: str = ""
    acs_password: str = ""
    request_username: str = ""
    request_password: str = ""


@dataclass(slots=True, kw_only=True, eq=False)
class Box:
    """One box. Writes raise a Refusal or are done; `watcher` is told when the power changes."""

    serial: str
    mac: str
    seed: str
    factory: Credentials = field(default_factory=Credentials, repr=False)
    model: str = MODEL
    oui: str = OUI
    firmware: str = FIRMWARE
    known_packages: frozenset[str] = KNOWN_PACKAGES
    boot_s: float = 5.0
    halt_s: float = HALT_S
    clock: SkewedClock = field(default_factory=SkewedClock, repr=False)
    monotonic: Callable[[], float] = field(default=time.monotonic, repr=False)
    watcher: Callable[["Box"], None] | None = field(default=None, repr=False)

    active: bool = False
    packages: frozenset[str] = frozenset()
    revision: str = ""
    pin: str = field(default="", repr=False)
    message: Message | None = None
    shown_total: int = 0
    last_key: str = ""
    boots: int = 1
    resets: int = 0
    channel: str = ""
    temperature_c: int = 50
    free_mb: int = 512
    host_key_generation: int = 0
    credentials: Credentials = field(init=False, repr=False)
    _log: deque[str] | None = field(default=None, init=False, repr=False)
    _is_writing: bool = field(default=False, init=False, repr=False)
    _down_at: float = field(init=False, repr=False)
    _up_at: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.credentials = self.factory
        chance = self.chance("birth")
        self.temperature_c = chance.randint(42, 61)
        self.free_mb = chance.randint(180, 900)
        self.channel = f"ch-{chance.randint(1, 240)}"
        # It has run for hours or weeks, so a restart always shows in its uptime.
        self._down_at = self._up_at = self.monotonic() - chance.randint(3600, 30 * 86400)

    # What it is and does now

    def chance(self, purpose: str) -> random.Random:
        """Make the source of chance of this box for one purpose; equal for equal seeds."""
        return random.Random(f"{self.seed}:{self.serial}:{purpose}")

    @property
    def power(self) -> Power:
        """What the box is doing now."""
        now = self.monotonic()
        if now < self._down_at:
            return Power.HALTING
        if now >= self._up_at:
            return Power.UP
        return Power.OFF if math.isinf(self._up_at) else Power.BOOTING

    @property
    def next_change_s(self) -> float | None:
        """How long until `power` changes by itself; None where it will not."""
        now = self.monotonic()
        if now < self._down_at:
            return self._down_at - now
        return self._up_at - now if now < self._up_at < math.inf else None

    @property
    def uptime_s(self) -> float:
        """Seconds since the last boot; 0 while it is down."""
        return max(0.0, self.monotonic() - self._up_at)

    @property
    def boot_id(self) -> str:
        """The name of the present boot; another one after each."""
        return self.chance(f"boot {self.boots}").randbytes(8).hex()

    def log(self, lines: int) -> list[str]:
        """Tell the last lines of the log, oldest first; no secret stands in it."""
        return list(self._log or ())[-lines:] if lines > 0 else []

    def shown(self) -> dict[str, Any]:
        """Show the state as plain values; of secrets only whether they changed."""
        message = self.message
        return {
            "serial": self.serial,
            "mac": self.mac,
            "model": self.model,
            "firmware": self.firmware,
            "active": self.active,
            "packages": sorted(self.packages),
            "revision": self.revision,
            "pin_print": self._print(self.pin),
            "message": None if message is None else {"id": message.id, "text": message.text},
            "shown": self.shown_total,
            "last_key": self.last_key,
            "boot_id": self.boot_id,
            "boots": self.boots,
            "power": self.power.value,
            "channel": self.channel,
            "temperature_c": self.temperature_c,
            "free_mb": self.free_mb,
            "credentials_print": self._print(*_texts(self.credentials)),
        }

    # What it can be asked to do

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the one right to write, for as long as a write takes.

        Raises Busy while somebody else has it, and while the box restarts.
        """
        if self._is_writing or self.power is not Power.UP:
            raise Busy("busy")
        self._is_writing = True
        try:
            yield
        finally:
            self._is_writing = False

    def set_active(self, value: bool) -> None:  # noqa: FBT001 - the box's own value
        """Turn the picture on or off."""
        self._need_room()
        self.active = value
        self.note(f"active={int(value)}")

    def set_packages(self, codes: Collection[str]) -> None:
        """Keep these packages and no others; one unknown code and nothing changes."""
        unknown = sorted(set(codes) - self.known_packages)
        if unknown:
            raise BadValue("packages", f"unknown code {','.join(unknown)}")
        if len(set(codes)) > PACKAGES_MAX:
            raise BadValue("packages", f"more than {PACKAGES_MAX}")
        self._need_room()
        self.packages = frozenset(codes)
        self.note(f"packages={','.join(sorted(self.packages))}")

    def set_revision(self, text: str) -> None:
        """Keep the number of what was last written."""
        if len(text) > REVISION_CHARS_MAX or not text.isprintable():
            raise BadValue("revision", f"at most {REVISION_CHARS_MAX} printable characters")
        self._need_room()
        self.revision = text
        self.note(f"revision={text}")

    def set_pin(self, digits: str) -> None:
        """Keep another PIN; it can never be read."""
        is_right = digits.isascii() and digits.isdigit()
        if not is_right or not PIN_DIGITS_MIN <= len(digits) <= PIN_DIGITS_MAX:
            raise BadValue("pin", f"{PIN_DIGITS_MIN} to {PIN_DIGITS_MAX} digits")
        self._need_room()
        self.pin = digits
        self.note("pin changed")

    def reset_pin(self) -> None:
        """Forget the PIN."""
        self.pin = ""
        self.note("pin forgotten")

    def show(self, text: str, seconds: int) -> Message:
        """Put a text on the screen and tell what became of it."""
        if not 1 <= len(text) <= TEXT_CHARS_MAX:
            raise BadValue("text", f"1 to {TEXT_CHARS_MAX} characters")
        if not 1 <= seconds <= SHOW_S_MAX:
            raise BadValue("seconds", f"1 to {SHOW_S_MAX}")
        self._need_room()
        self.shown_total += 1
        until = self.clock.now() + timedelta(seconds=seconds)
        self.message = Message(
            id=f"m-{self.shown_total}",
            text=text,
            seconds=seconds,
            until=until.strftime("%Y-%m-%dT%H:%M:%SZ"),
            shown=1,
        )
        self.note(f"message {self.message.id} shown")
        return self.message

    def show_again(self) -> None:
        """Show the message that is there once more."""
        if self.message is not None:
            self.shown_total += 1
            self.message = replace(self.message, shown=self.message.shown + 1)

    def reboot(self, key: str = "") -> bool:
        """Restart; False and nothing where the key is the one used last."""
        if not self._takes(key):
            return False
        self.note(f"reboot {key}".rstrip())
        self._restart(self.halt_s)
        return True

    def factory_reset(self, key: str = "") -> bool:
        """Forget all that was ever sent and restart; False where the key is the one used last."""
        if not self._takes(key):
            return False
        self.forget()
        self.note(f"factory reset {key}".rstrip())
        self._restart(self.halt_s)
        return True

    def forget(self) -> None:
        """Go back to what left the factory; the last key stays, it proves the reset."""
        self.resets += 1
        self.active = False
        self.packages = frozenset()
        self.revision = ""
        self.pin = ""
        self.message = None
        self.credentials = self.factory

    # What happens to it

    def power_off(self) -> None:
        """Pull the plug."""
        self._down_at = self.monotonic()
        self._up_at = math.inf
        self._tell()

    def power_on(self) -> None:
        """Put the plug in; nothing where it is in."""
        if self.power is Power.OFF:
            self._restart(0.0)

    def crash(self) -> None:
        """Restart this moment, without a word to anybody."""
        self.note("restarted by itself")
        self._restart(0.0)

    def edit(self, fields: Mapping[str, Any]) -> None:
        """Change fields by hand: nothing is checked but their names.

        Raises KeyError naming a field the box does not have.
        """
        for name in fields:
            if name not in EDITABLE:
                raise KeyError(name)
        for name, value in fields.items():
            setattr(self, name, EDITABLE[name](value))

    def note(self, line: str) -> None:
        """Write a line of the log."""
        if self._log is None:
            self._log = deque(maxlen=LOG_LINES_MAX)
        self._log.append(f"{self.clock.now():%Y-%m-%dT%H:%M:%SZ} {line}")

    def _takes(self, key: str) -> bool:
        """Tell whether the key asks for something new, and keep it then."""
        if len(key) > KEY_CHARS_MAX or not key.isprintable():
            raise BadValue("key", f"at most {KEY_CHARS_MAX} printable characters")
        if key and key == self.last_key:
            return False
        if self.power is not Power.UP:
            raise Busy("busy")
        self.last_key = key or self.last_key
        return True

    def _need_room(self) -> None:
        if self.free_mb <= 0:
            raise StorageFull("storage full")

    def _restart(self, halt_s: float) -> None:
        self.boots += 1
        self._down_at = self.monotonic() + halt_s
        self._up_at = self._down_at + self.boot_s
        self._tell()

    def _print(self, *secrets: str) -> str:
        """Give a fingerprint by which a change is seen; nothing for nothing."""
        if not any(secrets):
            return ""
        salted = "\0".join([self.seed, self.serial, *secrets])
        return hashlib.sha256(salted.encode()).hexdigest()[:12]

    def _tell(self) -> None:
        if self.watcher is not None:
            self.watcher(self)


# What a hand may edit, and how its plain value is read.
EDITABLE: Mapping[str, Callable[[Any], Any]] = {
    "active": bool,
    "packages": frozenset,
    "revision": str,
    "pin": str,
    "mac": str,
    "model": str,
    "firmware": str,
    "known_packages": frozenset,
    "channel": str,
    "temperature_c": int,
    "free_mb": int,
    "boot_s": float,
    "halt_s": float,
    "last_key": str,
}


def _texts(credentials: Credentials) -> list[str]:
    return [repr(getattr(credentials, name)) for name in Credentials.__dataclass_fields__]
