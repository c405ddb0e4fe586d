"""An account is put into another segment: from now on its debts follow the rules of that one."""

from __future__ import annotations

from sqlalchemy import select, update

from billing.accounts.store import account, service
from billing.flows.desk import Desk
from runtime.store import Tx
from terms.errors import NotFound


async def put_in(desk: Desk, tx: Tx, contract: str, segment: str) -> str:
    """Put the account of a contract into a segment; returns in which it was before.

    Raises NotFound, and Invalid where there is no such segment.
    """
    (await desk.shelf.newest(tx)).segments.check(segment)
    joined = service.join(account, account.c.id == service.c.account_id)
    query = select(account.c.id, account.c.segment).select_from(joined)
    row = await tx.first(query.where(service.c.contract == contract).with_for_update(of=account))
    if row is None:
        raise NotFound(f"there is no contract {contract!r}", field="contract")
    if row.segment != segment:
        await tx.execute(update(account).where(account.c.id == row.id).values(segment=segment))
        await desk.work.mark(tx, "settle", [row.id])
    return str(row.segment)
