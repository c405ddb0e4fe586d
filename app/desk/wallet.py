"""Wallets at the desk: a page to put money in, money paid out, which is audited."""

from __future__ import annotations

from collections.abc import Sequence

from app.desk import given
from app.desk.asking import ask
from app.desk.auditing import note
from app.desk.paying import PayLink, check_bound, parse_amount
from app.desk.refunds import goes
from app.identity.guesses import Paces
from app.wiring import House
from billing.flows import top_up
from billing.flows.refund import Refunding
from billing.flows.top_up import PayOut
from billing.payments.refunds import REASON_CHARS_MAX
from runtime.store import Tx
from terms.errors import Invalid


async def top_up_link(
    house: House,
    contract: str,
    amount: str,
    *,
    provider: str = "",
    back_to: str = "",
    paces: Paces | None = None,
) -> PayLink:
    """Have the provider make a page for an amount, whatever is owed.

    Opens a transaction of its own: the provider is talked to after it. A subscriber is allowed so
    many pages at `paces`. Raises what the flow raises, TooOften.
    """
    await house.refresh_providers()
    async with house.store.read() as tx:
        money = await parse_amount(tx, contract, amount)
        await check_bound(house, tx, contract, money)
        order = await top_up.page_order(
            house.desk, tx, contract, money, provider=provider, return_url=back_to
        )
    if paces:
        await house.subscribers.take(paces)
    page = await ask(order.provider, house.providers[order.provider].checkout(order))
    return PayLink(url=page.url, amount=order.amount)


async def pay_out(
    house: House,
    tx: Tx,
    contract: str,
    *,
    amount: str | None = None,
    reason: str,
    reference: str,
    actor: str,
) -> Sequence[Refunding]:
    """Pay an amount out of a wallet, all that may go for None; back the way it came.

    More than one person gives back alone waits for a second one. Raises what the flow raises.
    """
    why = given.name("reason", reason)
    if len(why) > REASON_CHARS_MAX:
        raise Invalid("reason", f"at most {REASON_CHARS_MAX} characters")
    wish = PayOut(
        amount=None if amount is None else await parse_amount(tx, contract, amount),
        reason=why,
        reference=given.name("reference", reference),
    )
    now = await house.clock.business_now(tx)
    done = await top_up.pay_out(house.desk, tx, contract, wish, now, by=actor)
    if any(one.is_new for one in done):
        parts = ", ".join(f"{one.amount} of {one.charge}" for one in done)
        await note(
            house,
            tx,
            actor=actor,
            action="wallet.pay_out",
            subject=f"contract:{contract}",
            after=f"{parts} {goes(done[0])}",
            reason=why,
        )
    return done
