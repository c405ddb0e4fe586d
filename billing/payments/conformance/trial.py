"""One check's view: our provider with a door of its own, and what the flows do with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from billing.payments.conformance.harness import Harness
from billing.payments.model import MethodTold, Moved, MovementKind, Refused
from billing.payments.provider import (
    Charged,
    ChargeOrder,
    CheckoutOrder,
    GivenBack,
    Outcome,
    Processing,
    Provider,
    RefundOrder,
    SetupOrder,
    Terse,
    Tidings,
)
from runtime.clock import utc_now
from runtime.http import HttpDoor
from terms.errors import BoxofficeError
from terms.ids import AttemptId
from terms.money import Money

DEADLINE_S = 8.0
ACCOUNT = "100001"
PRICE = 1990

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Our provider beside the other side."""

    harness: Harness
    provider: Provider

    def lacks(self, ability: str) -> bool:
        """Tell whether the provider says that it cannot do something."""
        return ability in self.provider.lacks

    async def order(self, attempt: str = "A-1", amount: Money | None = None) -> ChargeOrder:
        """Make an order for somebody who can be charged."""
        price = amount or Money(PRICE, self.harness.currency)
        payer = await self.harness.payer(price.currency)
        return ChargeOrder(
            attempt=AttemptId(attempt),
            account=ACCOUNT,
            customer=payer.customer,
            method=payer.method,
            amount=price,
            text="INV-1",
        )

    async def decided(self, order: ChargeOrder, how: str = "ok") -> Outcome:
        """Charge, and wait for how it ends, however long that takes at the provider."""
        out = await self.provider.charge(order)
        if isinstance(out, Processing):
            await self.harness.decide(out.charge, how)
            out = await self.provider.look_up(order)
        return out

    async def charged(self, order: ChargeOrder | None = None) -> Charged:
        """Charge somebody who pays."""
        out = await self.decided(order or await self.order())
        assert isinstance(out, Charged), out
        return out

    async def given_back(self, order: RefundOrder) -> GivenBack:
        """Give back what can be."""
        out = await self.provider.refund(order)
        assert isinstance(out, GivenBack), out
        return out

    async def events(self, since: int = 0) -> list[bytes]:
        """List what messages have brought, from one on, with what they had left out."""
        now, bodies = utc_now(), (await self.harness.messages())[since:]
        brought = [
            event
            for body in bodies
            for event in self.provider.verify(self.harness.sign(body, now), body, now)
        ]
        return [await self.complete(event.body) for event in brought]

    async def complete(self, event: bytes) -> bytes:
        """Fetch what an event leaves out."""
        provider: object = self.provider
        return await provider.complete(event) if isinstance(provider, Terse) else event

    async def told(self, since: int = 0) -> list[Tidings]:
        """List what messages tell, from one on."""
        return [one for event in await self.events(since) for one in self.provider.parse(event)]

    async def moved(self, *kinds: MovementKind) -> list[Moved]:
        """List the movements that are told, of some kinds."""
        return [
            one for one in await self.told() if isinstance(one, Moved) and one.kind in set(kinds)
        ]

    async def refused(self) -> list[Refused]:
        """List the refusals that are told."""
        return [one for one in await self.told() if isinstance(one, Refused)]

    async def left(self) -> list[MethodTold]:
        """List the methods that are told to be left for an account."""
        return [one for one in await self.told() if isinstance(one, MethodTold) and one.account]

    def page_order(self, amount: Money) -> CheckoutOrder:
        """Make an order for a page to pay on."""
        return CheckoutOrder(
            provider="cards",
            account=ACCOUNT,
            customer="",
            amount=amount,
            text="INV-1",
            return_url="",
        )

    def setup_order(self, replaces: str = "") -> SetupOrder:
        """Make an order for a page on which a method is left."""
        return SetupOrder(
            provider="cards", account=ACCOUNT, customer="", return_url="", replaces=replaces
        )


@asynccontextmanager
async def trial(harness: Harness, *, deadline_s: float = DEADLINE_S) -> AsyncIterator[Trial]:
    """Open our provider at the other side, put back to its start, for the time of one check."""
    await harness.reset()
    cls = harness.provider_class()
    options = cls.options_type.model_validate(dict(harness.options(deadline_s)))
    door = HttpDoor(networks=harness.networks, deadline_s=deadline_s)
    try:
        yield Trial(harness=harness, provider=cls("cards", options, door))
    finally:
        await door.aclose()


def only(found: Sequence[T]) -> T:
    """Take the only one."""
    assert len(found) == 1, found
    return found[0]


async def error_of(call: Awaitable[Any]) -> BoxofficeError | None:
    """Wait for a call that is to fail; None where it did not."""
    try:
        await call
    except BoxofficeError as error:
        return error
    return None


def error_in(run: Any, *arguments: Any) -> BoxofficeError | None:
    """Run what is to fail; None where it did not."""
    try:
        run(*arguments)
    except BoxofficeError as error:
        return error
    return None
