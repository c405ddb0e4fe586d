"""The port to a payment provider: what each must be able to do, and what it may answer.

A provider translates. It keeps nothing, repeats nothing and does not log. What it cannot do now it
raises as a class of terms.errors; whether a card was charged it must never guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Protocol, runtime_checkable

from billing.payments.model import Decline, MethodTold, Moved, Refused
from terms.http import Http
from terms.ids import AttemptId
from terms.money import Money

Tidings = Moved | Refused | MethodTold


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeOrder:
    """What to collect, with our marks. `attempt` is the key under which it happens once.

    `asked_at` is the machine's time of the first try, None before it.
    """

    attempt: AttemptId
    account: str
    customer: str
    method: str
    amount: Money
    text: str
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutOrder:
    """What a subscriber is to pay on the provider's own page."""

    provider: str
    account: str
    customer: str
    amount: Money
    text: str
    return_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page to pay on: its address, its name at the provider, until when it can be paid on."""

    url: str
    vendor_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """What to give back of a charge. `refund` is the key under which it happens once.

    `asked_at` is the machine's time of the first try, None before it.
    """

    refund: str
    charge: str
    amount: Money
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupOrder:
    """Whose card is to be left on the provider's own page, and which method of ours it replaces."""

    provider: str
    account: str
    customer: str
    return_url: str
    replaces: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """The money was taken."""

    charge: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The provider said no. `code` is its reason."""

    charge: str
    code: str
    decline: Decline


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """The provider has taken the order and will tell later; `due_on` is the first day to ask."""

    charge: str
    due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A look-up found nothing: the order never arrived, and nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Nobody knows: the answer did not come. Only a look-up may follow."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponed:
    """Not now, for a reason that is not the payer's; ask again after so many seconds.

    `is_untouched`: for certain nothing was done. Otherwise it is looked up then.
    """

    reason: str
    after_s: float
    is_untouched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """The provider gives the money back; `moved` is the movement, as its message tells it too."""

    refund: str
    moved: Moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """How people call a method, and the last day on which it is good, if it has one."""

    label: str
    expires_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event that a message brought: the provider's id of it, and what it says."""

    id: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent(Event):
    """An event as the provider keeps it, and when it happened."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Events behind another, the oldest first, and whether there are more."""

    events: Sequence[StoredEvent]
    has_more: bool


# What a provider may lack, each with what it then does not do.
ABILITIES: Mapping[str, str] = {
    "checkout": "makes a page on which one sum is paid",
    "at_once": "says at once whether the money was taken",
    "fresh": "signs the time of a message, so that an old one is told from a new one",
}

Outcome = Charged | GivenBack | Declined | Processing | Missing | Lost | Postponed


@runtime_checkable
class Provider(Protocol):
    """One configured payment provider. `lacks` says which of ABILITIES it has not, and why."""

    options_type: ClassVar[Any]
    lacks: ClassVar[Mapping[str, str]]

    def __init__(self, name: str, options: Any, http: Http) -> None: ...

    def verify(
        self, headers: Mapping[str, str], body: bytes, machine_now: datetime
    ) -> Sequence[Event]:
        """Check that a raw message is the provider's own and fresh; returns the events in it.

        Headers are asked for by lower-case name.

        Raises:
            Forbidden: the signature is wrong, or the message too old or from the future.
            Invalid: it is signed, but no message about events.
        """
        ...

    def parse(self, body: bytes) -> Sequence[Tidings]:
        """Read what a verified event tells; nothing where it does not concern money.

        Raises Invalid where it should, but cannot be read.
        """
        ...

    async def charge(self, order: ChargeOrder) -> Outcome:
        """Collect, at most once per attempt, however often it is asked."""
        ...

    async def look_up(self, order: ChargeOrder) -> Outcome:
        """Find out what became of an attempt, without side effects."""
        ...

    async def checkout(self, order: CheckoutOrder) -> Page:
        """Make a page on which the order can be paid once.

        Raises Unsupported where it lacks that.
        """
        ...

    async def refund(self, order: RefundOrder) -> Outcome:
        """Give money back, at most once per refund, however often it is asked."""
        ...

    async def look_up_refund(self, order: RefundOrder) -> Outcome:
        """Find out what became of a refund, without side effects."""
        ...

    async def setup(self, order: SetupOrder) -> str:
        """Make a page on which a payment method is left; returns its address."""
        ...

    async def describe(self, method: str) -> Described | Missing:
        """Tell what a method is; Missing where it cannot be charged any more."""
        ...

    async def forget(self, method: str) -> None:
        """Have a method never charged again; one that is gone is as good."""
        ...

    async def events_after(self, cursor: str) -> EventPage | Missing:
        """List what happened behind an event; the newest of all where none is named.

        Missing where the provider does not know that event any more.
        """
        ...


@runtime_checkable
class Terse(Protocol):
    """A provider whose events say what happened and to what, but not how much."""

    async def complete(self, body: bytes) -> bytes:
        """Fetch what an event leaves out; returns it with that. One that has it stays as it is.

        What it then tells does not depend on when it was asked for.
        """
        ...


@runtime_checkable
class Closing(Protocol):
    """A provider that can close a page to pay on before its time."""

    async def close_page(self, page: str) -> None:
        """Have nobody pay on a page any more; one that was paid, or is over, is as good."""
        ...
