"""Documents at the desk: an invoice is called void, an account's statement is drawn up."""

from __future__ import annotations

from datetime import date, timedelta

from app.desk.auditing import note
from app.wiring import House
from billing.billdays.model import OPEN_GATE
from billing.flows.proforma import issue
from billing.flows.settle import foresee
from billing.flows.void import void as call_void
from billing.invoicing.proforma import VALID_DAYS, Proforma
from billing.reads import accounts, bills, statements
from billing.reads.statements import Statement
from runtime.store import Tx
from terms.calendar import anchored, days_after, local_date, start_of_day
from terms.errors import Invalid, NotFound
from terms.ids import AccountId

AHEAD_DAYS_MAX = 400
_INSTANT = timedelta(microseconds=1)


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


async def proforma(
    house: House,
    contract: str,
    actor: str,
    *,
    billed_on: date | None = None,
    valid_days: int = VALID_DAYS,
    reason: str = "",
) -> Proforma:
    """Write down what a household would be billed by the end of a day, today unless said.

    Raises NotFound, Invalid for a day that is over, and what the flow raises.
    """
    async with house.store.rehearse() as tx:
        holder = (await accounts.holders(tx, [contract])).get(contract)
        if holder is None:
            raise NotFound(f"there is no contract {contract!r}", field="contract")
        now = await house.clock.business_now(tx)
        today = local_date(now, holder.zone)
        day = billed_on or today
        if not today <= day <= days_after(today, AHEAD_DAYS_MAX):
            last = days_after(today, AHEAD_DAYS_MAX)
            raise Invalid("billed_on", f"must be a day from {today} to {last}")
        moment = max(start_of_day(days_after(day, 1), holder.zone) - _INSTANT, now)
        (found,) = await foresee(house.desk, tx, [holder.account], moment, gate=OPEN_GATE)
    async with house.store.begin() as tx:
        made = await issue(
            house.desk,
            tx,
            found,
            now,
            zone=holder.zone,
            billed_on=day,
            valid_days=valid_days,
        )
        told = f"{made.number}, {made.total}, until {made.valid_until}"
        await note(
            house,
            tx,
            actor=actor,
            action="proforma.issue",
            subject=f"contract:{contract}",
            after=told,
            reason=reason,
        )
    return made


async def statement(
    house: House, tx: Tx, contract: str, since: date | None, until: date | None
) -> Statement:
    """Draw up a household's statement, since the month before this unless said, until today.

    Raises NotFound, and what the statement raises.
    """
    holder = (await accounts.holders(tx, [contract])).get(contract)
    if holder is None:
        raise NotFound(f"there is no contract {contract!r}", field="contract")
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
