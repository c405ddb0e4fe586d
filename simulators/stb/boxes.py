"""Makes boxes: any number from a seed, or the ones a state file names.

The box with number N of a seed is the same however many are made beside it.
"""

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from simulators.clock import SkewedClock
from simulators.simulator import BadOperation
from simulators.stb.box import OUI, Box, Credentials

SERIALS = 10**7  # seven digits before the check digit
MACS = 2**24  # what follows the OUI
# Both strides have no factor in common with the number of places, so no place comes twice.
SERIAL_STRIDE = 1_618_033
MAC_STRIDE = 10_368_889
SNMP_USER = "boxoffice"
SECRET_CHARS = "abcdefghijkmnpqrstuvwxyz23456789"  # noqa: S105 - an alphabet without look-alikes

_CREDENTIALS = frozenset(Credentials.__dataclass_fields__)
_KEY_OCTETS = {"snmp_auth_key": 32, "snmp_priv_key": 16}
_MAC = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){5}")
_STATE_KEYS = frozenset({"count", "seed", "boxes", "authorized_keys", "boot_s", "known_packages"})
_ROW_KEYS = frozenset({
    *("serial", "mac", "model", "firmware", "boot_s", "halt_s", "known_packages", "port"),
    *("active", "packages", "revision", "channel", "temperature_c", "free_mb", "credentials"),
    "authorized_keys",
})  # fmt: skip


def make_boxes(
    count: int, seed: int | str, *, clock: SkewedClock | None = None, **common: Any
) -> list[Box]:
    """Make `count` boxes; `common` are fields that all of them share."""
    clock = clock or SkewedClock()
    return [make_box(number, seed, clock=clock, **common) for number in range(count)]


def make_box(number: int, seed: int | str, **fields: Any) -> Box:
    """Make the box with that number of the seed."""
    fields.setdefault("serial", serial_of(number, seed))
    fields.setdefault("mac", mac_of(number, seed))
    fields.setdefault("factory", secrets_of(fields["serial"], seed))
    return Box(seed=str(seed), **fields)


def serial_of(number: int, seed: int | str) -> str:
    """Give the serial of a box: RB, seven digits and their check digit."""
    start = random.Random(f"{seed}:serials").randrange(SERIALS)
    digits = f"{(start + number * SERIAL_STRIDE) % SERIALS:07d}"
    return f"RB{digits}{check_digit(digits)}"


def mac_of(number: int, seed: int | str) -> str:
    """Give the MAC of a box, in capital letters with colons."""
    start = random.Random(f"{seed}:macs").randrange(MACS)
    text = f"{OUI}{(start + number * MAC_STRIDE) % MACS:06X}"
    return ":".join(text[at : at + 2] for at in range(0, 12, 2))


def secrets_of(serial: str, seed: int | str) -> Credentials:
    """Give what the box left the factory with."""
    chance = random.Random(f"{seed}:{serial}:secrets")
    return Credentials(
        snmp_user=SNMP_USER,
        snmp_auth_key=chance.randbytes(32),
        snmp_priv_key=chance.randbytes(16),
        acs_username=f"{OUI}-{serial}",
        acs_password=_secret(chance),
        request_username=f"cr-{serial}",
        request_password=_secret(chance),
    )


def check_digit(digits: str) -> int:
    """Work out the Luhn check digit that follows these digits (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the sum of its two digits
    return -total % 10


def load_boxes(state: Mapping[str, Any], clock: SkewedClock) -> dict[Box, int]:
    """Make the boxes of a state, each with the port it asks for (0: a free one).

    Raises BadOperation naming what makes no sense.
    """
    _need_known("the state", state, _STATE_KEYS)
    try:
        named, more = _made(state, clock)
    except (AttributeError, TypeError, ValueError) as error:
        raise BadOperation(f"the state makes no sense: {error}") from error
    for box in [*named, *more]:
        _authorize(box, state.get("authorized_keys", ()))
    _need_different([*named, *more])
    return {**named, **dict.fromkeys(more, 0)}


def _made(state: Mapping[str, Any], clock: SkewedClock) -> tuple[dict[Box, int], list[Box]]:
    """Make the boxes a state names, with their ports, and those it only counts."""
    seed = state.get("seed", 1)
    common: dict[str, Any] = {"clock": clock}
    if "boot_s" in state:
        common["boot_s"] = float(state["boot_s"])
    if "known_packages" in state:
        common["known_packages"] = frozenset(state["known_packages"])
    rows: Iterable[Mapping[str, Any]] = state.get("boxes", ())
    named = {_load(row, n, seed, common): int(row.get("port", 0)) for n, row in enumerate(rows)}
    count = int(state.get("count", 0 if named else 1))
    return named, [make_box(len(named) + n, seed, **common) for n in range(count)]


def _load(row: Mapping[str, Any], number: int, seed: Any, common: Mapping[str, Any]) -> Box:
    _need_known("a box", row, _ROW_KEYS)
    fields = {**common}
    for name in ("serial", "mac", "model", "firmware", "revision"):
        if name in row:
            fields[name] = str(row[name])
    if not _MAC.fullmatch(fields.get("mac", "00:00:00:00:00:00")):
        raise BadOperation(f"a box: {fields['mac']!r} is no MAC")
    for name in ("boot_s", "halt_s"):
        if name in row:
            fields[name] = float(row[name])
    for name in ("known_packages", "packages"):
        if name in row:
            fields[name] = frozenset(row[name])
    box = make_box(number, seed, active=bool(row.get("active", False)), **fields)
    box.edit({name: row[name] for name in ("channel", "temperature_c", "free_mb") if name in row})
    arm(box, row.get("credentials", {}))
    _authorize(box, row.get("authorized_keys", ()))
    return box


def arm(box: Box, wish: Mapping[str, Any]) -> None:
    """Give a box these credentials, as from the factory; keys are hexadecimal.

    Raises BadOperation naming a field that does not exist.
    """
    box.factory = box.credentials = changed(box.factory, wish)


def changed(credentials: Credentials, wish: Mapping[str, Any]) -> Credentials:
    """Change some of the credentials; raises BadOperation naming what does not exist."""
    _need_known("credentials", wish, _CREDENTIALS)
    return replace(credentials, **{name: _read(name, value) for name, value in wish.items()})


def _read(name: str, value: Any) -> Any:
    if name in _KEY_OCTETS:
        key = bytes.fromhex(value)
        if len(key) != _KEY_OCTETS[name]:
            raise BadOperation(f"credentials: {name} has {_KEY_OCTETS[name]} octets")
        return key
    return tuple(value) if name == "ssh_keys" else str(value)


def _authorize(box: Box, lines: Iterable[str]) -> None:
    keys = (*box.factory.ssh_keys, *lines)
    box.factory = box.credentials = replace(box.factory, ssh_keys=keys)


def _need_known(what: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = given.keys() - known
    if unknown:
        raise BadOperation(f"{what}: unknown key {min(unknown)!r}")


def _need_different(boxes: Iterable[Box]) -> None:
    seen: set[str] = set()
    for box in boxes:
        if box.serial in seen:
            raise BadOperation(f"two boxes have the serial {box.serial}")
        seen.add(box.serial)


def _secret(chance: random.Random) -> str:
    return "".join(chance.choices(SECRET_CHARS, k=20))
