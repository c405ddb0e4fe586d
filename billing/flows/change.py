"""A service changes its plan or its add-ons.

Rights follow at once. Money: a new plan is charged from the first day the old one has not charged;
an add-on is charged for the rest of the period; what is removed stays until the day it is charged
for. So nothing is charged twice, nothing is taken back, and no credit arises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import update

from billing.catalog.model import OfferingKind, PriceBook
from billing.flows.contract import Contract, lock
from billing.flows.desk import Desk
from billing.flows.signup import check_offering
from billing.subscriptions.model import Activation, Subscription
from billing.subscriptions.store import subscription
from runtime.chance import new_id
from runtime.store import Tx
from terms.errors import Duplicate, Invalid, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is wished. No plan leaves the plan."""

    plan: str | None = None
    add: Sequence[str] = ()
    remove: Sequence[str] = ()


async def change(desk: Desk, tx: Tx, contract: str, wish: Change, now: datetime) -> None:
    """Change what a service has and mark its account.

    Raises NotFound for an unknown contract, offering, price, or an add-on that it does not have;
    Duplicate for what it has already; Invalid for a service that has ended.
    """
    held = await lock(tx, contract, now)
    book = (await desk.shelf.newest(tx)).book
    if set(wish.add) & set(wish.remove):
        raise Invalid("add", "the same add-on is added and removed")
    story = _Story(desk=desk, tx=tx, held=held, book=book, now=now)
    plan = next((one for one in held.subscriptions if story.kind(one) is OfferingKind.PLAN), None)
    if plan is None:
        raise Invalid("contract", f"{contract} has ended: sign it up again")
    if wish.plan is not None:
        await story.replace(plan, wish.plan)
    for code in wish.add:
        await story.add(code, plan)
    for code in wish.remove:
        await story.remove(code)
    await desk.work.mark(tx, "settle", [held.account])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    desk: Desk
    tx: Tx
    held: Contract
    book: PriceBook
    now: datetime

    def kind(self, one: Subscription) -> OfferingKind:
        return self.book.offering(one.offering).kind

    async def replace(self, plan: Subscription, code: str) -> None:
        if plan.offering == code:
            raise Duplicate(f"the plan is {code} already")
        check_offering(self.book, code, OfferingKind.PLAN, "plan")
        if plan.until_on is not None:
            raise Invalid("plan", f"the service is cancelled for {plan.until_on}")
        begins = max(self.held.today, plan.from_on)
        is_charged = plan.charged_until > plan.charged_from
        await end(self.tx, plan, begins)
        await self._start(
            code,
            begins,
            charged_from=max(begins, self.held.free_from(plan)),
            # What was to be paid first and was never charged is still to be paid first.
            activation=Activation.OPEN if is_charged else plan.activation,
        )

    async def add(self, code: str, plan: Subscription) -> None:
        check_offering(self.book, code, OfferingKind.ADDON, "add")
        if plan.until_on is not None:
            raise Invalid("add", f"the service is cancelled for {plan.until_on}")
        mine = [one for one in self.held.subscriptions if one.offering == code]
        if any(one.until_on is None for one in mine):
            raise Duplicate(f"the service has {code} already")
        if mine:
            # It was to end later: taking that back charges nothing twice.
            await end(self.tx, mine[-1], None)
            return
        begins = max(self.held.today, plan.from_on)
        await self._start(code, begins, charged_from=begins, activation=Activation.OPEN)

    async def remove(self, code: str) -> None:
        mine = [one for one in self.held.subscriptions if one.offering == code]
        if not mine:
            raise NotFound(f"the service does not have {code}")
        check_offering(self.book, code, OfferingKind.ADDON, "remove")
        for one in mine:
            if one.until_on is None:
                await end(self.tx, one, max(one.from_on, self.held.free_from(one)))

    async def _start(
        self, code: str, from_on: date, *, charged_from: date, activation: Activation
    ) -> None:
        self.book.price_on(code, self.held.currency, charged_from)
        row = {
            "id": new_id(self.now, self.desk.chance),
            "service_id": self.held.service,
            "offering": code,
            "from_on": from_on,
            "until_on": None,
            "charged_from": charged_from,
            "activation": activation.value,
            "created_at": self.now,
        }
        await self.tx.insert(subscription, [row])


async def end(tx: Tx, one: Subscription, until_on: date | None) -> None:
    """Let a subscription end before a day; None takes an end back."""
    await tx.execute(
        update(subscription).where(subscription.c.id == one.id).values(until_on=until_on)
    )
