"""What a provider's author writes: how to start the other side, look behind it and hurt it.

The suite never asks our provider what happened when it can ask the other side.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from billing.payments import registry
from billing.payments.provider import Provider
from terms.errors import TargetError, Throttled, Unauthorized, Unreachable
from terms.money import Money

RETRY_AFTER_S = 7
# What can befall one request, and the error that must be made of it.
FAULTS: Mapping[str, type[TargetError]] = {
    "reset": Unreachable,  # the connection breaks and nothing was done
    "half": Unreachable,  # it was done, and the answer breaks off
    "garbage": Unreachable,  # a success that carries somebody's web page
    "error": Unreachable,  # 500: it may have been done
    "throttled": Throttled,  # too many requests, for RETRY_AFTER_S
    "unauthorized": Unauthorized,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """Whom a provider charges, and by which method."""

    customer: str
    method: str


class Harness(ABC):
    """One kind of provider under test, started once and used by all checks."""

    kind: ClassVar[str]
    # Addresses at which the other side may live.
    networks: ClassVar[Sequence[str]] = ("127.0.0.0/8", "::1/128")
    currency: ClassVar[str] = "EUR"
    # Amounts that the provider counts in a way of its own: what is owed, and what is paid then.
    amounts: ClassVar[Sequence[tuple[Money, Money]]] = ()
    # How long the provider knows the key of a request, at most.
    key_life: ClassVar[timedelta]
    # Codes with which it refuses for now, and for good.
    soft: ClassVar[str]
    hard: ClassVar[str]
    # A message about something that concerns nobody's money.
    other: ClassVar[bytes]
    nobody: ClassVar[Payer]
    # The id of an event that the provider never had.
    no_event: ClassVar[str] = "EVNONE"
    # The name of a page that it never made.
    no_page: ClassVar[str] = "PGNONE"

    def provider_class(self) -> type[Provider]:
        """Find the provider under test by its entry point."""
        return registry.provider_class(self.kind)

    # -- the other side

    @abstractmethod
    def start(self) -> None:
        """Start it, or reach for it."""

    @abstractmethod
    def stop(self) -> None:
        """Stop it."""

    @abstractmethod
    async def reset(self) -> None:
        """Put it back to its start."""

    @abstractmethod
    def options(self, deadline_s: float) -> Mapping[str, Any]:
        """Word the options of our provider; no request may take longer than the deadline."""

    @abstractmethod
    def secrets(self) -> Sequence[str]:
        """List what no message and no error may ever show."""

    @abstractmethod
    async def payer(self, currency: str) -> Payer:
        """Make somebody who can be charged in a currency."""

    @abstractmethod
    async def behave(self, how: str) -> None:
        """Let charges end so from now on: ok, soft, hard; or processing, where others do not."""

    @abstractmethod
    async def decide(self, charge: str, how: str) -> None:
        """Let a charge that is processing end so: ok, soft or hard."""

    @abstractmethod
    async def dispute(self, charge: str) -> None:
        """Let the payer's bank take a charge back."""

    @abstractmethod
    async def win(self, charge: str) -> None:
        """Let that be undone, in our favour."""

    @abstractmethod
    async def bounce(self, refund: str) -> None:
        """Let a refund not arrive."""

    @abstractmethod
    async def leave(self, url: str) -> None:
        """Leave a method on a page made for that, as a person does."""

    @abstractmethod
    async def taken(self) -> Sequence[int]:
        """List what was really taken, in units as the provider counts them."""

    @abstractmethod
    async def given(self) -> Sequence[int]:
        """List what was really given back."""

    @abstractmethod
    async def pass_time(self, by: timedelta) -> None:
        """Let so much time pass at the provider."""

    @abstractmethod
    async def fault(self, name: str, *, writing: bool = False) -> None:
        """Let one of FAULTS, or `lost` (done, no answer), befall the next request (that writes)."""

    # -- its messages

    @abstractmethod
    async def messages(self) -> Sequence[bytes]:
        """Return the bodies of all messages so far, the oldest first."""

    @abstractmethod
    def sign(self, body: bytes, at: datetime, *, secret: str = "") -> Mapping[str, str]:
        """Return the headers of a message: signed with our secret, or with another."""

    @abstractmethod
    def broken(self, event: bytes) -> Iterable[bytes]:
        """Spoil an event about money in every way that must be refused, not guessed."""
