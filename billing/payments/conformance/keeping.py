"""Payment methods, and what every verb makes of a provider in trouble."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, ClassVar

from billing.payments.conformance.harness import FAULTS, RETRY_AFTER_S, Harness
from billing.payments.conformance.trial import ACCOUNT, Trial, error_of, only, trial
from billing.payments.provider import Closing, Declined, Described, Missing, RefundOrder
from terms.errors import BoxofficeError, Throttled, Unreachable


class Keeping:
    """What is true of every method, and of every verb."""

    harness: ClassVar[Harness]

    async def test_a_method_is_left_described_and_forgotten(self) -> None:
        """A page takes a method for whom it is made; it is known, charged, and forgotten."""
        async with trial(self.harness) as t:
            page = await t.provider.setup(t.setup_order(replaces="M-1"))
            await self.harness.leave(page)
            left = only(await t.left())
            assert (left.account, left.replaces) == (ACCOUNT, "M-1")
            assert left.customer
            known = await t.provider.describe(left.ref)
            assert isinstance(known, Described)
            assert known.label
            order = replace(await t.order(), customer=left.customer, method=left.ref)
            await t.charged(order)
            for _ in range(2):
                await t.provider.forget(left.ref)
            assert await t.provider.describe(left.ref) == Missing()
            assert await t.provider.describe(self.harness.nobody.method) == Missing()
            await t.provider.forget(self.harness.nobody.method)
            again = replace(order, attempt=(await t.order("A-2")).attempt)
            assert isinstance(await t.provider.charge(again), Declined)

    async def test_faults_have_their_class(self) -> None:
        """Every verb raises the exact class for every fault, and shows no secret."""
        async with trial(self.harness) as t:
            for name, verb in (await _verbs(t)).items():
                for fault in FAULTS:
                    await self.harness.fault(fault)
                    self._judge(await error_of(verb()), fault, name)
            assert not any(secret in repr(vars(t.provider)) for secret in self.harness.secrets())

    def _judge(self, error: BoxofficeError | None, fault: str, name: str) -> None:
        assert type(error) is FAULTS[fault], (name, fault, error)
        assert not any(secret in str(error) for secret in self.harness.secrets())
        if isinstance(error, Throttled):
            assert error.retry_after_s == float(RETRY_AFTER_S)
        if isinstance(error, Unreachable):
            assert not error.is_untouched


async def _verbs(t: Trial) -> dict[str, Callable[[], Awaitable[Any]]]:
    order = await t.order()
    paid = await t.charged(order)
    back = RefundOrder(refund="R-9", charge=paid.charge, amount=order.amount)
    left, provider = t.setup_order(), t.provider
    verbs: dict[str, Callable[[], Awaitable[Any]]] = {
        "look_up": lambda: provider.look_up(order),
        "look_up_refund": lambda: provider.look_up_refund(back),
        "describe": lambda: provider.describe(order.method),
        "events_after": lambda: provider.events_after(""),
        "setup": lambda: provider.setup(left),
        "charge": lambda: provider.charge(order),
        "refund": lambda: provider.refund(back),
        "forget": lambda: provider.forget(order.method),
    }
    if not t.lacks("checkout"):
        verbs["checkout"] = lambda: provider.checkout(t.page_order(order.amount))
    if isinstance(provider, Closing):
        page = await provider.checkout(t.page_order(order.amount))
        verbs["close_page"] = lambda: provider.close_page(page.vendor_id)
    return verbs
