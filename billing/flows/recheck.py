"""Everything that accounts are charged for is compared again from a day on, sealed or not.

For a transaction that is not going to be committed: what settling would then write is what stands
on the books otherwise than it would be computed today.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select, union_all

from billing.accounts.store import service
from billing.equipment.store import rental
from billing.flows.desk import Desk
from billing.invoicing.store import reopen
from billing.subscriptions.store import subscription
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.ids import AccountId


async def reopen_all(desk: Desk, tx: Tx, accounts: Sequence[AccountId], since: date) -> None:
    """Reopen every subscription and rental of accounts from a day on."""
    subjects = union_all(
        *(
            select(table.c.id)
            .select_from(table.join(service, service.c.id == table.c.service_id))
            .where(among(tx.engine, service.c.account_id))
            for table in (subscription, rental)
        )
    )
    rows = await tx.rows(subjects, {KEYS: packed(tx.engine, sorted(accounts))})
    again = [(row.id, since) for row in rows]
    await reopen(tx, again, desk.clock.machine_now(), desk.chance)
