"""Documents at the desk: an invoice is called void, an account's statement is drawn up."""

from __future__ import annotations

from datetime import date

from app.desk.auditing import note
from app.wiring import House
from billing.flows.void import void as call_void
from billing.reads import accounts, bills, statements
from billing.reads.statements import Statement
from runtime.store import Tx
from terms.calendar import anchored, local_date
from terms.errors import NotFound
from terms.ids import AccountId


async def void(
    house: House,
    tx: Tx,
    number: str,
    actor: str,
    *,
    reason: str = "",
    is_charged_again: bool = False,
) -> None:
    """Call an invoice void. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    done = await call_void(
        house.desk, tx, number, now, by=actor, reason=reason, is_charged_again=is_charged_again
    )
    named = (await bills.names(tx, [done.account])).get(done.account)
    again = "its days are charged again" if is_charged_again else "its days stay given back"
    await note(
        house,
        tx,
        actor=actor,
        action="invoice.void",
        subject=f"contract:{named.number if named else done.account}",
        before=f"{done.number} of {done.total}",
        after=f"void, {again}",
        reason=reason,
    )


async def statement(
    house: House, tx: Tx, contract: str, since: date | None, until: date | None
) -> Statement:
    """Draw up a household's statement, since the month before this unless said, until today.

    Raises NotFound, and what the statement raises.
    """
    holder = (await accounts.holders(tx, [contract])).get(contract)
    if holder is None:
        raise NotFound(f"there is no contract {contract!r}")
    return await of_account(house, tx, holder.account, holder.zone, since=since, until=until)


async def of_account(
    house: House,
    tx: Tx,
    key: AccountId,
    zone: str,
    *,
    since: date | None,
    until: date | None,
) -> Statement:
    """Draw up the statement of an account. Raises what the statement raises."""
    last = until or local_date(await house.clock.business_now(tx), zone)
    return await statements.statement(
        tx, key, since or anchored(last.year, last.month - 1, 1), last
    )
