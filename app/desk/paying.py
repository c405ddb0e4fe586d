"""Money at the counter: a link to the provider's own page, cash, or the word that it comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.desk import given
from app.desk.asking import ask
from app.desk.auditing import note
from app.desk.boxes import holder_of
from app.identity.guesses import Paces
from app.wiring import House
from billing.flows import pages, pay
from billing.flows import promise as promising
from billing.flows.pay import CashTaken
from billing.promises.model import Promise, PromisePolicy
from runtime.store import Tx
from terms.errors import Invalid
from terms.ids import AccountId
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PayLink:
    """Where a subscriber pays, and how much."""

    url: str
    amount: Money


async def pay_link(
    house: House,
    contract: str,
    provider: str = "",
    back_to: str = "",
    *,
    paces: Paces | None = None,
) -> PayLink:
    """Have the provider make a page for all that is owed now; the same one while that is the same.

    Opens a transaction of its own: the provider is talked to after it. A subscriber is allowed so
    many pages at `paces`. Raises what the flow raises, TooOften.
    """
    await house.refresh_providers()
    async with house.store.read() as tx:
        wanted = await pages.wanted(house.desk, tx, contract, provider, back_to)
        url = await pages.standing(house.desk, tx, wanted)
    order = wanted.order
    if not url:
        if paces:
            await house.subscribers.take(paces)
        page = await ask(order.provider, house.providers[order.provider].checkout(order))
        async with house.store.begin() as tx:
            now = await house.clock.business_now(tx)
            url = await pages.hand_out(house.desk, tx, wanted, page, now)
    return PayLink(url=url, amount=order.amount)


async def promise(
    house: House, tx: Tx, contract: str, until_on: date, *, actor: str, reason: str = ""
) -> Promise:
    """Take a household's word that it pays by a day. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    made = await promising.promise(house.desk, tx, contract, until_on, now)
    await note(
        house,
        tx,
        actor=actor,
        action="payment.promise",
        subject=f"contract:{contract}",
        after=f"{made.amount} until {made.until_on}",
        reason=reason,
    )
    return made


async def promise_policy(tx: Tx, account: AccountId) -> PromisePolicy:
    """Read which promises are taken of an account."""
    return await promising.policy_of(tx, account)


async def parse_amount(tx: Tx, contract: str, text: str) -> Money:
    """Read an amount in the currency of an account. Raises Invalid, NotFound."""
    holder = await holder_of(tx, contract)
    try:
        return Money.parse(text, holder.currency)
    except ValueError as error:
        raise Invalid("amount", str(error)) from None


async def check_bound(house: House, tx: Tx, contract: str, amount: Money) -> None:
    """Raise Invalid for more at once than is owed and the setting `cash_max` besides."""
    owed = await pay.owed(tx, contract)
    most = Money(owed.amount_minor + house.settings.cash_max, owed.currency)
    if amount.currency == most.currency and amount.amount_minor > most.amount_minor:
        raise Invalid("amount", f"at most {most} at once: {owed} is owed")


async def take_cash(
    house: House, tx: Tx, contract: str, *, amount: Money, reference: str, actor: str
) -> CashTaken:
    """Take money over the counter, once for each reference. Raises what the flow raises."""
    reference = given.name("reference", reference)
    if not await pay.is_taken(tx, reference):
        await check_bound(house, tx, contract, amount)
    now = await house.clock.business_now(tx)
    taken = await pay.take_cash(
        house.desk, tx, contract, now, amount=amount, reference=reference, by=actor
    )
    if taken.is_new:
        await note(
            house,
            tx,
            actor=actor,
            action="payment.cash",
            subject=f"contract:{contract}",
            after=f"{amount}",
            reason=reference,
        )
    return taken
