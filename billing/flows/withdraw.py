"""Pending charges are withdrawn: they are not billed, or given back where they were.

For whoever has the lock of their accounts and marks them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import exists, select, update

from billing.flows.desk import Desk
from billing.invoicing.store import invoice_line, reopen
from billing.pending.store import pending_charge
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed


async def withdraw(desk: Desk, tx: Tx, keys: Sequence[str]) -> None:
    """Withdraw charges that are not withdrawn yet; settle gives back what was charged."""
    c = pending_charge.c
    is_billed = exists().where(invoice_line.c.subject == c.id, invoice_line.c.kind == c.kind)
    query = select(c.id, c.period_start, is_billed.label("is_billed"))
    given = {KEYS: packed(tx.engine, keys)}
    rows = await tx.rows(query.where(among(tx.engine, c.id), c.is_withdrawn.is_(False)), given)
    for is_open in (True, False):
        some = [row.id for row in rows if bool(row.is_billed) is is_open]
        if some:
            command = update(pending_charge).where(among(tx.engine, c.id))
            command = command.values(is_withdrawn=True, is_open=is_open)
            await tx.execute(command, {KEYS: packed(tx.engine, some)})
    back = [(row.id, row.period_start) for row in rows if row.is_billed]
    await reopen(tx, back, desk.clock.machine_now(), desk.chance)
