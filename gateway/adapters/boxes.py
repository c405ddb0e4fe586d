"""A box as any of its protocols sees it: on or off, its packages, a revision. Pure.

What may be asked of it, in which order it is written and how its texts read is the same whatever it
speaks; how a box is reached is not known here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from typing import Literal

from gateway.adapters.sdk import NEXT, Access, Action
from gateway.adapters.state import ViewerState
from terms.errors import Conflict, Permanent, Retryable, Unsupported, untouched

# Why a box has no rights here that calls itself a model nobody has told this target of.
OTHER_MODEL = "it calls itself a model that this target does not drive"
Write = Literal["active", "packages", "revision"]

PACKAGES_MAX = 64
TEXT_CHARS_MAX = 200
SHOWN_S_MAX = 3600
SHOWN_S_DEFAULT = 300
KEY_CHARS = 32
TOLD_CHARS_MAX = 120
PORT_MAX = 65_535
_SERIAL = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_REVISION = re.compile(r"r-([0-9]{1,18})")
_HOST = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]{0,251}[0-9A-Za-z])?")
_BRACKETED = re.compile(r"\[([^]]*)\](?::(.*))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A text for the screen, and for how many seconds."""

    text: str
    seconds: int


def check_serial(ref: str) -> None:
    """Refuse what is no serial of one box. Raises Unsupported."""
    if not _SERIAL.fullmatch(ref):
        raise Unsupported(f"no serial of a box: {ref[:TOLD_CHARS_MAX]!r}")


def expressed(desired: ViewerState) -> ViewerState:
    """Keep what a box can hold. Raises Unsupported for a tariff, devices or too many packages."""
    check_serial(desired.ref)
    if desired.tariff is not None:
        raise Unsupported("a box knows packages only: route this code to it as a package")
    if desired.devices:
        raise Unsupported("a box holds no other boxes")
    if len(desired.packages) > PACKAGES_MAX:
        raise Unsupported(f"{len(desired.packages)} packages; a box takes {PACKAGES_MAX}")
    for code in desired.packages:
        if not _CODE.fullmatch(code):
            raise Unsupported(f"no package code of a box: {code[:TOLD_CHARS_MAX]!r}")
    return ViewerState(
        ref=desired.ref,
        enabled=desired.enabled,
        packages=desired.packages,
        revision=desired.revision,
    )


def writes(desired: ViewerState, held: ViewerState | None) -> tuple[Write, ...]:
    """Name what has to be written, in order; nothing where the box holds the wish.

    Wherever it stops half-way, nobody watches what he may not: a box goes dark first and lights up
    last. The revision comes at the very end: who carries it carries all the rest.
    """
    if held == desired:
        return ()
    names: list[Write] = []
    if held is None or held.packages != desired.packages:
        names.append("packages")
    if held is None or held.enabled != desired.enabled:
        names.insert(len(names) if desired.enabled else 0, "active")
    return (*names, "revision")


def bare(ref: str) -> ViewerState:
    """Give what a box holds that is nobody's: dark, empty, without a revision."""
    return ViewerState(ref=ref, enabled=False)


def check_identity(ref: str, told: str) -> None:
    """Refuse another box at the address of ours. Raises Conflict naming both."""
    if told != ref:
        raise untouched(Conflict(f"the box at this address is {plain(told)!r}, not {ref}"))


def packages_text(packages: frozenset[str]) -> str:
    """Word packages as a box keeps them."""
    return ",".join(sorted(packages))


def packages_of(text: str) -> frozenset[str]:
    """Read packages as a box tells them."""
    return frozenset(code.strip() for code in text.split(",") if code.strip())


def revision_text(revision: int) -> str:
    """Word a revision; none at all for 0."""
    return f"r-{revision:04d}" if revision else ""


def revision_of(text: str) -> int:
    """Read a revision; 0 for none, and for a text that is not ours."""
    found = _REVISION.fullmatch(text)
    return int(found[1]) if found else 0


def words_of(desired: ViewerState) -> Mapping[Write, str]:
    """Word all that is written of a wish."""
    return {
        "packages": packages_text(desired.packages),
        "active": str(int(desired.enabled)),
        "revision": revision_text(desired.revision),
    }


def state_of(ref: str, *, active: str, packages: str, revision: str) -> ViewerState:
    """Read what a box tells of itself. Raises Retryable where it is neither on nor off."""
    if active not in {"0", "1"}:
        raise Retryable(f"the box is neither on nor off: {plain(active)!r}")
    return ViewerState(
        ref=ref,
        enabled=active == "1",
        packages=packages_of(packages),
        revision=revision_of(revision),
    )


def shown_of(action: Action) -> Shown:
    """Read a message. Raises Unsupported for one that a box cannot show as a whole."""
    text = action.params.get("text", "")
    if not text.strip() or len(text) > TEXT_CHARS_MAX:
        raise Unsupported(f"a message has 1 to {TEXT_CHARS_MAX} characters")
    if not text.isprintable():
        raise Unsupported("a message is one line of printable text")
    ttl_s = action.params.get("ttl_s", "")
    if ttl_s and not (ttl_s.isascii() and ttl_s.isdigit() and int(ttl_s[:9]) > 0):
        raise Unsupported("ttl_s is a whole number of seconds")
    # How long it may wait says how long it may stand there at most.
    seconds = min(int(ttl_s[:9]), SHOWN_S_MAX) if ttl_s else SHOWN_S_DEFAULT
    return Shown(text=text, seconds=seconds)


def key_of(ref: str, action: Action, boot: str) -> str:
    """Give the key of a restart: one for each request, or for each boot where none is named."""
    named = action.request or f"boot {boot}"
    return hashlib.sha256(f"{ref}\n{named}".encode()).hexdigest()[:KEY_CHARS]


def renewed(access: Access) -> Access | None:
    """Give how a box is reached that has taken its new secrets; None where none are due."""
    kept = {name: each for name, each in access.secrets.items() if not name.startswith(NEXT)}
    if len(kept) == len(access.secrets):
        return None
    fresh = {
        name.removeprefix(NEXT): each
        for name, each in access.secrets.items()
        if name.startswith(NEXT)
    }
    return replace(access, secrets={**kept, **fresh})


def place_of(address: str, default_port: int) -> tuple[str, int]:
    """Read where a box listens: a host, or host:port, with [IPv6]:port. Raises Permanent."""
    host, digits = _split(address)
    is_port = not digits or (digits.isascii() and digits.isdigit() and len(digits) <= 5)  # noqa: PLR2004
    if not is_port or not (_is_ipv6(host) if ":" in host else _HOST.fullmatch(host)):
        raise untouched(Permanent(f"the address of the box is no host:port: {plain(address)!r}"))
    port = int(digits) if digits else default_port
    if not 0 < port <= PORT_MAX:
        raise untouched(Permanent(f"the address of the box has no such port: {port}"))
    return host, port


def misplaced(address: str) -> str:
    """Say why nothing can listen there; nothing where something may."""
    try:
        place_of(address, default_port=1)
    except Permanent:
        return "is no address like 10.0.0.7:22, box.example:22 or [2001:db8::7]:22"
    return ""


def _is_ipv6(host: str) -> bool:
    """Tell whether it is such an address, and of no zone: zones are this machine's own."""
    try:
        return IPv6Address(host).scope_id is None
    except ValueError:
        return False


def _split(address: str) -> tuple[str, str]:
    found = _BRACKETED.fullmatch(address)
    if found:
        return found[1], found[2] or ""
    if address.count(":") > 1:
        return address, ""
    host, _, digits = address.partition(":")
    return host, digits


def plain(text: str) -> str:
    """Give what a box said as one printable line of bounded length."""
    return "".join(char if char.isprintable() else " " for char in text[:TOLD_CHARS_MAX]).strip()
