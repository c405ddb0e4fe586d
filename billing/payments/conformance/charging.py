"""Charges: once per attempt however often asked, looked up when unknown, refused in classes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import ClassVar

from billing.payments.conformance.harness import Harness
from billing.payments.conformance.trial import PRICE, error_of, trial
from billing.payments.model import Decline, MovementKind
from billing.payments.provider import (
    ABILITIES,
    Charged,
    Closing,
    Declined,
    Missing,
    Processing,
    Provider,
)
from runtime.clock import utc_now
from terms.errors import Conflict, Unreachable, Unsupported
from terms.ids import AttemptId


class Charging:
    """What is true of every charge."""

    harness: ClassVar[Harness]

    async def test_it_offers_the_whole_port(self) -> None:
        """It is a provider, and what it lacks it says with a reason."""
        async with trial(self.harness) as t:
            assert isinstance(t.provider, Provider)
            assert t.provider.lacks.keys() <= ABILITIES.keys()
            assert all(why.strip() for why in t.provider.lacks.values())

    async def test_a_charge_happens_once(self) -> None:
        """However often an attempt is asked for, the money is taken once and found by a look-up."""
        async with trial(self.harness) as t:
            order = await t.order()
            assert await t.provider.look_up(order) == Missing()
            first = await t.provider.charge(order)
            assert isinstance(first, Processing if t.lacks("at_once") else Charged), first
            again = await t.provider.charge(order)
            assert type(again) is type(first)
            found = await t.decided(order)
            assert isinstance(found, Charged)
            assert found.amount == order.amount
            assert await t.provider.charge(order) == found
            since = replace(order, asked_at=utc_now())
            assert await t.provider.look_up(since) == found
            other = replace(order, attempt=AttemptId("A-2"))
            assert await t.provider.look_up(other) == Missing()
            assert await self.harness.taken() == [PRICE]

    async def test_a_charge_asked_for_by_several_at_once_happens_once(self) -> None:
        """Whoever is late hears the same, or that somebody else is at it."""
        async with trial(self.harness) as t:
            order = await t.order()
            calls = [t.provider.charge(order) for _ in range(5)]
            found = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(one, (Charged, Processing, Conflict)) for one in found), found
            await t.charged(order)
            assert await self.harness.taken() == [PRICE]

    async def test_declines_have_their_class(self) -> None:
        """A refusal says whether the same method may be tried again; a look-up says the same."""
        async with trial(self.harness) as t:
            for decline, how, code in (
                (Decline.SOFT, "soft", self.harness.soft),
                (Decline.HARD, "hard", self.harness.hard),
            ):
                order = await t.order(f"A-{how}")
                await self.harness.behave(how)
                found = await t.decided(order, how)
                assert isinstance(found, Declined), found
                assert (found.decline, found.code) == (decline, code)
                assert await t.provider.look_up(order) == found
            assert await self.harness.taken() == []

    async def test_a_payer_who_is_not_known_is_declined(self) -> None:
        """A method that does not exist is a hard decline of the payer, not a fault of ours."""
        async with trial(self.harness) as t:
            nobody = self.harness.nobody
            order = replace(await t.order(), method=nobody.method)
            found = await t.provider.charge(order)
            assert isinstance(found, Declined), found
            assert found.decline is Decline.HARD

    async def test_a_charge_may_be_decided_later(self) -> None:
        """A provider that needs time says so, a look-up says so too, and nobody charges again."""
        async with trial(self.harness) as t:
            order = await t.order()
            await self.harness.behave("processing")
            first = await t.provider.charge(order)
            assert isinstance(first, Processing), first
            for verb in (t.provider.look_up, t.provider.charge, t.provider.look_up):
                found = await verb(order)
                assert isinstance(found, Processing)
                assert found.charge == first.charge
            assert await self.harness.taken() == []
            await self.harness.decide(first.charge, "ok")
            assert isinstance(await t.provider.look_up(order), Charged)
            assert await self.harness.taken() == [PRICE]

    async def test_a_lost_answer_is_unknown_and_then_found(self) -> None:
        """When the answer is lost nobody claims to know; the look-up finds what was done."""
        async with trial(self.harness) as t:
            order = await t.order()
            for _ in range(2):
                await self.harness.fault("lost", writing=True)
                assert type(await error_of(t.provider.charge(order))) is Unreachable
            found = await t.provider.look_up(order)
            if isinstance(found, Processing):
                await self.harness.decide(found.charge, "ok")
                found = await t.provider.look_up(order)
            assert isinstance(found, Charged)
            assert await self.harness.taken() == [PRICE]

    async def test_an_order_that_never_arrived_is_missing(self) -> None:
        """A look-up tells what was lost on the way from what was lost on the way back."""
        async with trial(self.harness) as t:
            order = await t.order()
            await self.harness.fault("reset", writing=True)
            assert type(await error_of(t.provider.charge(order))) is Unreachable
            assert await t.provider.look_up(order) == Missing()
            await t.charged(order)
            assert await self.harness.taken() == [PRICE]

    async def test_what_is_unknown_is_found_after_the_key_is_forgotten(self) -> None:
        """Long after the provider has forgotten the key of the request a look-up finds it."""
        async with trial(self.harness) as t:
            order = replace(await t.order(), asked_at=utc_now())
            await self.harness.fault("lost", writing=True)
            assert type(await error_of(t.provider.charge(order))) is Unreachable
            await self.harness.pass_time(self.harness.key_life)
            found = await t.provider.look_up(order)
            if isinstance(found, Processing):
                await self.harness.decide(found.charge, "ok")
                found = await t.provider.look_up(order)
            assert isinstance(found, Charged)
            assert await self.harness.taken() == [PRICE]

    async def test_no_currency_is_taken_for_another(self) -> None:
        """Whatever decimals it gives a currency, the answer, the look-up, the message agree.

        Where it takes less fine amounts than are owed, the whole of what is owed is paid.
        """
        for owed, paid in self.harness.amounts:
            async with trial(self.harness) as t:
                order = await t.order(amount=owed)
                found = await t.charged(order)
                assert found.amount == paid
                assert await t.provider.look_up(order) == found
                assert [one.amount for one in await t.moved(MovementKind.CLEARED)] == [paid]

    async def test_a_page_to_pay_on_has_an_address(self) -> None:
        """A checkout order becomes a page; who makes none says so before anything is asked."""
        async with trial(self.harness) as t:
            order = t.page_order((await t.order()).amount)
            if t.lacks("checkout"):
                assert type(await error_of(t.provider.checkout(order))) is Unsupported
            else:
                page = await t.provider.checkout(order)
                assert page.url.startswith("http")
                assert page.expires_at > utc_now()

    async def test_a_page_that_is_closed_takes_nothing(self) -> None:
        """It may be closed twice, and after it was paid; whoever cannot close pages has none to."""
        async with trial(self.harness) as t:
            order, provider = t.page_order((await t.order()).amount), t.provider
            if not isinstance(provider, Closing):
                return
            for is_paid in (False, True):
                page = await provider.checkout(order)
                if is_paid:
                    await self.harness.leave(page.url)
                for _ in range(2):
                    await provider.close_page(page.vendor_id)
                await self.harness.leave(page.url)
                assert await self.harness.taken() == [PRICE] * is_paid
            await provider.close_page(self.harness.no_page)
