"""Refunds: once each, never more than came, looked up when unknown, back again if they fail."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from billing.payments.conformance.harness import Harness
from billing.payments.conformance.trial import PRICE, Trial, error_of, trial
from billing.payments.model import Moved, MovementKind
from billing.payments.provider import Declined, GivenBack, Missing, RefundOrder
from runtime.clock import utc_now
from terms.errors import Unreachable
from terms.money import Money


async def _wish(t: Trial, amount: int = 500) -> RefundOrder:
    charge = (await t.charged()).charge
    return RefundOrder(refund="R-1", charge=charge, amount=Money(amount, t.harness.currency))


class Refunding:
    """What is true of every refund."""

    harness: ClassVar[Harness]

    async def test_a_refund_happens_once(self) -> None:
        """However often it is asked for, money goes back once; its message tells the same."""
        async with trial(self.harness) as t:
            order = await _wish(t)
            assert await t.provider.look_up_refund(order) == Missing()
            first = await t.given_back(order)
            assert first.moved.amount == order.amount
            assert await t.provider.refund(order) == first
            assert await t.provider.look_up_refund(order) == first
            more = replace(order, refund="R-2", amount=Money(300, self.harness.currency))
            second = await t.given_back(more)
            assert await t.provider.look_up_refund(order) == first
            assert sorted(await self.harness.given()) == [300, 500]
            gone = await t.moved(MovementKind.GIVEN_BACK)
            assert _names(gone) == _names([first.moved, second.moved])

    async def test_no_more_goes_back_than_came(self) -> None:
        """What goes back beyond what came is refused, and so is a refund of what nobody knows."""
        async with trial(self.harness) as t:
            order = await _wish(t)
            await t.given_back(order)
            too_much = Money(PRICE - 499, self.harness.currency)
            for wrong in (
                replace(order, refund="R-2", amount=too_much),
                replace(order, refund="R-3", charge=self.harness.nobody.method),
            ):
                assert isinstance(await t.provider.refund(wrong), Declined)
            rest = replace(order, refund="R-4", amount=Money(PRICE - 500, self.harness.currency))
            await t.given_back(rest)
            assert sum(await self.harness.given()) == PRICE

    async def test_a_lost_answer_to_a_refund_is_unknown_and_then_found(self) -> None:
        """The look-up finds it, also long after the provider has forgotten its key."""
        async with trial(self.harness) as t:
            order = replace(await _wish(t), asked_at=utc_now())
            await self.harness.fault("lost", writing=True)
            assert type(await error_of(t.provider.refund(order))) is Unreachable
            assert isinstance(await t.provider.look_up_refund(order), GivenBack)
            await self.harness.pass_time(self.harness.key_life)
            assert isinstance(await t.provider.look_up_refund(order), GivenBack)
            assert await self.harness.given() == [500]

    async def test_a_refund_that_never_arrived_is_missing(self) -> None:
        """Then it can be asked for again."""
        async with trial(self.harness) as t:
            order = await _wish(t)
            await self.harness.fault("reset", writing=True)
            assert type(await error_of(t.provider.refund(order))) is Unreachable
            assert await t.provider.look_up_refund(order) == Missing()
            await t.given_back(order)
            assert await self.harness.given() == [500]

    async def test_a_refund_that_bounces_is_told(self) -> None:
        """Its money is here again: by the same name and sum by which it went, told once."""
        async with trial(self.harness) as t:
            order = await _wish(t)
            made = await t.given_back(order)
            await self.harness.bounce(made.refund)
            gone = await t.moved(MovementKind.GIVEN_BACK)
            back = await t.moved(MovementKind.BOUNCED)
            assert _names(gone) == _names(back) == _names([made.moved])
            assert isinstance(await t.provider.look_up_refund(order), Declined)


def _names(moved: list[Moved]) -> set[tuple[str, str, Money]]:
    return {(one.charge, one.ref, one.amount) for one in moved}
