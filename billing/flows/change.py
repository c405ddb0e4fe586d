"""A service changes its plan, its add-ons, or how many of them it has.

When a change takes effect is said by the terms of what is changed: usually more at once, less when
what is charged for is over. At once, the old offering ends today, what it has charged beyond is
given back, and the new one is charged from today: settle does both. Where the terms keep unused
days, the new plan is had at once and charged from the first day that the old one has not charged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import update

from billing.catalog.model import OfferingKind, PriceBook
from billing.catalog.terms import Days, Terms, When
from billing.flows.contract import Contract, lock
from billing.flows.dependents import Begun, reopen_dependents
from billing.flows.desk import Desk
from billing.flows.metering import rerate_services
from billing.flows.signup import check_offering
from billing.flows.usage import take_waiting
from billing.invoicing.store import reopen
from billing.subscriptions.model import QUANTITY_MAX, Activation, Subscription
from billing.subscriptions.store import subscription
from runtime.chance import new_id
from runtime.store import Tx
from terms.errors import Duplicate, Invalid, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is wished. No plan leaves the plan; no `when` leaves it to the terms.

    `quantity` is of the plan, or of the add-ons that are added.
    """

    plan: str | None = None
    add: Sequence[str] = ()
    remove: Sequence[str] = ()
    when: When | None = None
    quantity: int | None = None


async def change(desk: Desk, tx: Tx, contract: str, wish: Change, now: datetime) -> None:
    """Change what a service has and mark its account.

    Raises NotFound for an unknown contract, offering, price, or an add-on that it does not have;
    Duplicate for what it has already; Invalid for a service that has ended, or a quantity of none.
    """
    if set(wish.add) & set(wish.remove):
        raise Invalid("add", "the same add-on is added and removed")
    if wish.quantity is not None and not 1 <= wish.quantity <= QUANTITY_MAX:
        raise Invalid("quantity", f"must be 1 to {QUANTITY_MAX}")
    held = await lock(tx, contract, now)
    book = (await desk.shelf.newest(tx)).book
    story = _Story(desk=desk, tx=tx, held=held, book=book, now=now, wish=wish)
    plans = [one for one in held.subscriptions if story.kind(one) is OfferingKind.PLAN]
    if not plans:
        raise Invalid("contract", f"{contract} has ended: sign it up again")
    if wish.plan is not None or (wish.quantity is not None and not wish.add):
        await story.replace(plans)
    for code in wish.add:
        await story.add(code, plans[0])
    for code in wish.remove:
        await story.remove(code)
    await reopen_dependents(desk, tx, book, story.begun)
    await desk.work.mark(tx, "settle", [held.account])
    await rerate_services(desk, tx, [held.service], now)
    await take_waiting(desk, tx, now, [contract])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    desk: Desk
    tx: Tx
    held: Contract
    book: PriceBook
    now: datetime
    wish: Change
    begun: list[Begun] = field(default_factory=list)

    def kind(self, one: Subscription) -> OfferingKind:
        return self.book.offering(one.offering).kind

    def terms(self, one: Subscription) -> Terms:
        return self.book.offering(one.offering).terms

    async def replace(self, plans: Sequence[Subscription]) -> None:
        """Change the plan, or how many of it; a change that was still to come is forgotten."""
        plan, *pending = plans
        code = self.wish.plan or plan.offering
        quantity = self.wish.quantity or plan.quantity
        check_offering(self.book, code, OfferingKind.PLAN, "plan")
        if plan.until_on is not None and plan.until_on not in [one.from_on for one in pending]:
            raise Invalid("plan", f"the service is cancelled for {plan.until_on}")
        for one in pending:
            await end(self.tx, one, one.from_on)
        if (code, quantity) == (plan.offering, plan.quantity):
            if not pending:
                raise Duplicate(f"the plan is {code} already", field="plan")
            await end(self.tx, plan, None)
            return
        begins = self._begins(plan, self._when(plan, code, quantity))
        ends = max(begins, plan.from_on)
        is_begun = plan.charged_until > plan.charged_from and plan.id not in self.held.unpaid
        await self._end(plan, self._last_day(plan, ends) if plan.from_on < ends else ends)
        await self._start(
            code,
            ends,
            charged_from=self._charged_from(plan, ends),
            # What was to be paid first and was not is still to be paid first.
            activation=Activation.OPEN if is_begun else plan.activation,
            quantity=quantity,
        )

    async def add(self, code: str, plan: Subscription) -> None:
        check_offering(self.book, code, OfferingKind.ADDON, "add")
        if plan.until_on is not None and not self._is_followed(plan):
            raise Invalid("add", f"the service is cancelled for {plan.until_on}")
        mine = [one for one in self.held.subscriptions if one.offering == code]
        if any(one.until_on is None for one in mine):
            raise Duplicate(f"the service has {code} already", field="add")
        if mine:
            # It was to end later: taking that back charges nothing twice.
            await end(self.tx, mine[-1], None)
            self.begun.append(Begun(self.held.service, code, mine[-1].until_on or self.held.today))
            return
        begins = max(self.held.today, plan.from_on)
        await self._start(
            code,
            begins,
            charged_from=begins,
            activation=Activation.OPEN,
            quantity=self.wish.quantity or 1,
        )

    async def remove(self, code: str) -> None:
        mine = [one for one in self.held.subscriptions if one.offering == code]
        if not mine:
            raise NotFound(f"the service does not have {code}", field="remove")
        check_offering(self.book, code, OfferingKind.ADDON, "remove")
        for one in mine:
            if one.until_on is None:
                when = self.wish.when or self.terms(one).cancellation
                await self._end(one, max(one.from_on, self._begins(one, when)))

    def _when(self, plan: Subscription, code: str, quantity: int) -> When:
        if self.wish.when is not None:
            return self.wish.when
        currency, day = self.held.currency, self.held.today
        before = self.book.cost_of_a_day(plan.offering, currency, day, plan.quantity)
        after = self.book.cost_of_a_day(code, currency, day, quantity)
        terms = self.terms(plan)
        return terms.downgrade if after < before else terms.upgrade

    def _begins(self, one: Subscription, when: When) -> date:
        return self.held.today if when is When.NOW else self.held.free_from(one)

    def _last_day(self, one: Subscription, day: date) -> date:
        return self.terms(one).uncharged_from(day)

    def _charged_from(self, plan: Subscription, begins: date) -> date:
        """Tell from which day on the next plan is charged: nobody pays for a day twice."""
        if plan.from_on >= begins:
            return max(begins, plan.charged_from)
        if self.terms(plan).unused is Days.BILLED:
            return max(begins, self.held.free_from(plan))
        return max(self._last_day(plan, begins), plan.charged_from)

    def _is_followed(self, plan: Subscription) -> bool:
        return any(one.from_on == plan.until_on for one in self.held.subscriptions)

    async def _end(self, one: Subscription, until_on: date) -> None:
        await end(self.tx, one, until_on)
        self.begun.append(Begun(self.held.service, one.offering, until_on))
        await give_back(self.desk, self.tx, one, self.terms(one), until_on)
        await look_at_minimum(self.desk, self.tx, one, self.book, until_on)

    async def _start(
        self, code: str, from_on: date, *, charged_from: date, activation: Activation, quantity: int
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
            "quantity": quantity,
            "created_at": self.now,
        }
        await self.tx.insert(subscription, [row])
        self.begun.append(Begun(self.held.service, code, from_on))


async def end(tx: Tx, one: Subscription, until_on: date | None) -> None:
    """Let a subscription end before a day; None takes an end back."""
    await tx.execute(
        update(subscription).where(subscription.c.id == one.id).values(until_on=until_on)
    )


async def look_at_minimum(
    desk: Desk, tx: Tx, one: Subscription, book: PriceBook, until_on: date
) -> None:
    """Have a minimum that ends with a subscription looked at when it does."""
    if one.offering in book.committed:
        day = max(one.charged_from, min(until_on, one.charged_until))
        await reopen(tx, [(one.id, day)], desk.clock.machine_now(), desk.chance)


async def give_back(desk: Desk, tx: Tx, one: Subscription, terms: Terms, until_on: date) -> None:
    """Have what was charged behind an end given back, unless the terms keep it."""
    if one.charged_until > until_on and terms.unused is Days.FREE:
        await reopen(tx, [(one.id, until_on)], desk.clock.machine_now(), desk.chance)
