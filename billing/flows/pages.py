"""A page to pay on is for what is owed: asked for again it is the same one, and it is closed when
something else is owed. Closing is prepared, called outside any transaction, recorded.

What is paid twice all the same, since somebody was faster, is the household's credit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, select, true, update

from billing.accounts.store import account
from billing.flows import pay
from billing.flows.calls import BUSY_S, OUR_FAULT_S, Recorded, wait_s
from billing.flows.contract import lock
from billing.flows.desk import Desk
from billing.flows.upkeep import Stuck
from billing.payments.pages import mark_of, pay_page
from billing.payments.provider import CheckoutOrder, Closing, Page, Postponed
from billing.payments.store import INVOICE, open_item
from runtime.chance import new_id
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.prepared import PreparedCommand
from terms.errors import Permanent, TargetError, Unauthorized, Unreachable

KIND = "page"
# One that is over sooner is not handed out again: who opens it may need as long to pay.
LEFT_MIN = timedelta(minutes=10)

_CLOSING = PreparedCommand(
    lambda engine: update(pay_page).where(among(engine, pay_page.c.id)).values(is_closing=true())
)
Closed = Postponed | Stuck | None  # None: nobody can pay on it any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody is to pay on a page, and the mark of the debts that it is for."""

    contract: str
    order: CheckoutOrder
    debts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A page that is to be closed at its provider."""

    id: str
    provider: str
    vendor_id: str


async def wanted(
    desk: Desk, tx: Tx, contract: str, provider: str = "", return_url: str = ""
) -> Wanted:
    """Prepare a page for all that a contract's account owes. Raises what `pay.pay_order` raises."""
    order = await pay.pay_order(desk, tx, contract, provider, return_url)
    c = open_item.c
    query = select(c.id, c.rest_minor).join_from(open_item, account, account.c.id == c.account_id)
    rows = await tx.rows(
        query.where(
            account.c.number == order.account,
            c.kind == INVOICE,
            c.currency == order.amount.currency,
        )
    )
    return Wanted(
        contract=contract, order=order, debts=mark_of((row.id, row.rest_minor) for row in rows)
    )


async def standing(desk: Desk, tx: Tx, one: Wanted) -> str:
    """Find the address of the page that is handed out for the same; empty where none is."""
    c = pay_page.c
    query = (
        select(c.url)
        .join_from(pay_page, account, account.c.id == c.account_id)
        .where(
            account.c.number == one.order.account,
            c.provider == one.order.provider,
            c.debts == one.debts,
            c.expires_at > desk.clock.machine_now() + LEFT_MIN,
            ~c.is_closing,
        )
    )
    return str(await tx.scalar(query.order_by(c.id.desc()).limit(1)) or "")


async def hand_out(desk: Desk, tx: Tx, one: Wanted, page: Page, now: datetime) -> str:
    """Keep a page that was made, in the place of any other; returns the address to pay at.

    Where two were asked for at once it is that of the first: nobody knows the other one's.
    """
    held = await lock(tx, one.contract, now)
    if there := await standing(desk, tx, one):
        return there
    c = pay_page.c
    others = await tx.rows(select(c.id).where(c.account_id == held.account))
    await close(desk, tx, [row.id for row in others])
    row = {
        "id": new_id(now, desk.chance),
        "account_id": held.account,
        "provider": one.order.provider,
        "vendor_id": page.vendor_id,
        "url": page.url,
        "debts": one.debts,
        "expires_at": page.expires_at,
    }
    await tx.insert(pay_page, [row])
    # Something else may be owed since it was prepared: whoever settles compares.
    await desk.work.mark(tx, "settle", [held.account])
    return page.url


async def close(desk: Desk, tx: Tx, page_ids: Sequence[str]) -> None:
    """Hand pages out no more, and have their providers close them."""
    if page_ids:
        await _CLOSING.run(tx, {KEYS: packed(tx.engine, page_ids)})
        await desk.work.mark(tx, KIND, page_ids)


async def prepare(_: Desk, tx: Tx, page_ids: Sequence[str]) -> list[Leaving]:
    """List the pages to be closed."""
    c = pay_page.c
    query = select(pay_page).where(among(tx.engine, c.id), c.is_closing).order_by(c.id)
    return [_leaving(row) for row in await tx.rows(query, {KEYS: packed(tx.engine, page_ids)})]


async def call(desk: Desk, one: Leaving) -> Closed:
    """Have the provider close it, with no transaction open. One that cannot lets it run out."""
    provider = desk.providers.get(one.provider)
    if provider is None:
        return Postponed(reason=f"no provider {one.provider} is set up", after_s=OUR_FAULT_S)
    if not isinstance(provider, Closing):
        return None
    try:
        await provider.close_page(one.vendor_id)
    except Unreachable as error:
        return Postponed(reason=str(error), after_s=BUSY_S)
    except TargetError as error:
        if isinstance(error, Permanent) and not isinstance(error, Unauthorized):
            return Stuck(reason=str(error))
        return Postponed(reason=str(error), after_s=wait_s(error))
    return None


async def record(
    _: Desk, tx: Tx, outcomes: Sequence[tuple[Leaving, Closed]], __: datetime
) -> Recorded:
    """Forget the pages that are closed."""
    if over := [one.id for one, out in outcomes if out is None]:
        gone = delete(pay_page).where(among(tx.engine, pay_page.c.id))
        await tx.execute(gone, {KEYS: packed(tx.engine, over)})
    later = [(one.id, out) for one, out in outcomes if isinstance(out, Postponed)]
    return Recorded(
        again={key: timedelta(seconds=out.after_s) for key, out in later},
        stuck={one.id: out.reason for one, out in outcomes if isinstance(out, Stuck)},
        why={key: out.reason for key, out in later},
    )


def _leaving(row: Row[Any]) -> Leaving:
    return Leaving(id=row.id, provider=row.provider, vendor_id=row.vendor_id)
