"""An account is taxed elsewhere from now on. What was issued stays as it was taxed."""

from __future__ import annotations

from sqlalchemy import select, update

from billing.accounts.store import account, service
from billing.flows.desk import Desk
from runtime.store import Tx
from terms.errors import NotFound


async def tax_in(desk: Desk, tx: Tx, contract: str, jurisdiction: str) -> str:
    """Tax the account of a contract in a jurisdiction; returns where it was before.

    Raises NotFound, and Invalid where no tax has a rate there.
    """
    (await desk.shelf.newest(tx)).taxes.table.check(jurisdiction)
    joined = service.join(account, account.c.id == service.c.account_id)
    query = select(account.c.id, account.c.jurisdiction).select_from(joined)
    row = await tx.first(query.where(service.c.contract == contract).with_for_update(of=account))
    if row is None:
        raise NotFound(f"there is no contract {contract!r}", field="contract")
    if row.jurisdiction != jurisdiction:
        one = update(account).where(account.c.id == row.id)
        await tx.execute(one.values(jurisdiction=jurisdiction))
        await desk.work.mark(tx, "settle", [row.id])
    return str(row.jurisdiction)
