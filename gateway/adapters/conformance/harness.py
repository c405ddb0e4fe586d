"""What an adapter's author writes: how to start the target, look behind it and hurt it.

The suite never asks the adapter what the target holds when it can ask the target's other side.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from itertools import count
from typing import Any, ClassVar
from unittest import SkipTest

from gateway.adapters import registry
from gateway.adapters.sdk import Adapter, Boxes
from gateway.adapters.state import ViewerState
from terms.errors import (
    Conflict,
    Permanent,
    Retryable,
    TargetError,
    Throttled,
    Unauthorized,
    Unreachable,
)

# What can befall one request, and the error an adapter must make of it.
FAULTS: Mapping[str, type[TargetError]] = {
    "down": Unreachable,  # nobody listens
    "slow": Unreachable,  # the answer comes later than the deadline
    "reset": Unreachable,  # the connection breaks and nothing was applied
    "lost": Unreachable,  # the same, but it was applied
    "half": Unreachable,  # the answer breaks off
    "cut": Retryable,  # a whole answer with half the content
    "garbage": Retryable,  # a success that carries somebody's web page
    "fatal": Retryable,  # a success that carries the target's own failure, with file paths
    "huge": Permanent,  # a body of 100 MB
    "error": Retryable,  # 500
    "away": Unreachable,  # 503
    "throttled": Throttled,  # 429 and RETRY_AFTER_S
    "unauthorized": Unauthorized,
    "conflict": Conflict,
    "refused": Permanent,  # an application error in the target's own words
}
# Those that can befall the answer to a request that was carried out. A 429 is among them: no
# document says of it that nothing was done (RFC 6585, 4), and a proxy may be who sends it.
AFTERMATHS = ("lost", "half", "cut", "garbage", "fatal", "huge", "error", "away", "throttled")
RETRY_AFTER_S = 7
SLOW_S = 3.0
SHORT_DEADLINE_S = 0.3


class Harness(ABC):
    """One kind of target under test, started once and used by all checks."""

    kind: ClassVar[str]
    # Addresses the target may live at, for the HTTP door.
    networks: ClassVar[Sequence[str]] = ("127.0.0.0/8", "::1/128")
    # Faults that cannot happen to this kind, each with the reason: to any verb ("throttled"), to a
    # verb ("probe"), to one meeting of both ("lost_observe", "aftermath_error").
    exempt: ClassVar[Mapping[str, str]] = {}
    # The fields that its accounts can hold; the steps must move each of them.
    holds: ClassVar[AbstractSet[str]] = frozenset(
        {"enabled", "tariff", "packages", "devices", "label"}
    )
    # What this kind makes of a fault, where that differs from FAULTS: a box that refuses our
    # credentials says nothing about the other boxes of its target.
    otherwise: ClassVar[Mapping[str, type[TargetError]]] = {}
    # Faults after which the adapter may take one more look before it tells.
    looks_again: ClassVar[AbstractSet[str]] = frozenset({"conflict", "refused"})
    # Faults that this kind knows by silence alone, so that they last as long as the deadline.
    silent: ClassVar[AbstractSet[str]] = frozenset({"slow"})
    # What can be done there once, besides a message, and leaves the state alone.
    edges: ClassVar[Sequence[str]] = ("reboot", "kick")
    # Whether a set of packages with one unknown code is refused as a whole.
    is_all_or_nothing: ClassVar[bool] = False
    # Whether a device belongs to one account only.
    owns_devices: ClassVar[bool] = True
    # Keys that this kind would misread, besides those that every kind must refuse.
    hostile_refs: ClassVar[Sequence[str]] = ()
    # A code that the target certainly lacks; None where it takes any code.
    alien: ClassVar[str | None] = "no-such-code"
    # What all account keys of the run begin with.
    prefix: str = "9"

    def __init__(self) -> None:
        self._numbers = count(1)

    def new_ref(self) -> str:
        """Give a key that nobody has used at this target."""
        return f"{self.prefix}{next(self._numbers):05d}"

    def absent_ref(self) -> str:
        """Give a key under which there is nothing, and nothing will be made."""
        return self.new_ref()

    def device(self, ref: str, number: int) -> str:
        """Make up a MAC address for a device of that account."""
        digest = hashlib.sha256(f"{ref}/{number}".encode()).digest()
        return ":".join(f"{octet:02X}" for octet in (0x02, *digest[:5]))

    def alien_code(self) -> str:
        """Give the code that the target lacks."""
        if self.alien is None:
            raise SkipTest("this target takes any code")
        return self.alien

    def boxes(self) -> Boxes | None:
        """Give what the adapter may ask about its boxes; None for a target with accounts."""
        return None

    def adapter_class(self) -> type[Adapter[Any]]:
        """Find the adapter under test by its entry point."""
        return registry.adapter_class(self.kind)

    # -- the target

    @abstractmethod
    def start(self) -> None:
        """Start the target, or reach for it."""

    @abstractmethod
    def stop(self) -> None:
        """Stop it."""

    @abstractmethod
    def options(self, deadline_s: float) -> Mapping[str, Any]:
        """Word the options of the running target; no request may take longer than the deadline."""

    @abstractmethod
    def secrets(self) -> Sequence[str]:
        """List what no message may ever show."""

    @abstractmethod
    def steps(self, ref: str) -> Sequence[ViewerState]:
        """List wishes for one account that take every field there and back.

        The first one is a plain live account; where the target holds devices it has some.
        """

    # -- the target's other side

    @abstractmethod
    async def copies(self, ref: str) -> int:
        """Count the rows the target has for this key."""

    @abstractmethod
    async def tamper(self, ref: str) -> None:
        """Change the account by hand, behind the adapter's back."""

    async def settled(self, ref: str) -> None:  # noqa: B027 - most have nothing to wait for
        """Wait until the target is as before after something was done there once."""

    async def calls(self) -> int:
        """Count the requests the target has received so far."""
        raise SkipTest("this target does not count its calls")

    async def changes(self) -> int:
        """Count the writes so far that really changed something."""
        raise SkipTest("this target keeps no journal")

    async def heard(self, ref: str) -> Sequence[str]:
        """List the messages waiting for this household's boxes."""
        raise SkipTest("this target does not show its messages")

    async def use(self, ref: str, times: int) -> None:
        """Let the household of this account use something, so many times."""
        raise SkipTest("nothing is counted at this target")

    async def crowd(self, accounts: int) -> None:
        """Add that many accounts of others: more than one page, where there are pages."""
        raise SkipTest("this target cannot be filled")

    async def squat(self, ref: str) -> None:
        """Let somebody else's account take the name ours would get."""
        raise SkipTest("names cannot be taken at this target")

    def fault(self, name: str, *, skip: int = 0) -> AbstractAsyncContextManager[None]:
        """Let one of FAULTS befall one request, after letting `skip` pass.

        Whatever that request still does at the target is done when the context ends.
        """
        raise SkipTest("this target cannot be hurt")

    def aftermath(self, name: str) -> AbstractAsyncContextManager[None]:
        """Let one of AFTERMATHS befall the answer to the next write, which is carried out."""
        raise SkipTest("this target cannot be hurt")
