"""Whose a contract is: what a page about a household asks before anything else."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from billing.accounts.store import service
from runtime.store import Tx
from runtime.store.prepared import PreparedQuery
from terms.errors import NotFound
from terms.ids import AccountId, ServiceId


async def account_of(tx: Tx, contract: str) -> AccountId:
    """Return the account of a contract. Raises NotFound."""
    return (await _of(tx, contract))[0]


async def service_of(tx: Tx, contract: str) -> ServiceId:
    """Return the service of a contract. Raises NotFound."""
    return (await _of(tx, contract))[1]


async def _of(tx: Tx, contract: str) -> tuple[AccountId, ServiceId]:
    rows = await _OF.rows(tx, {"contract": contract})
    if not rows:
        raise NotFound(f"there is no contract {contract!r}", field="contract")
    return AccountId(rows[0].account_id), ServiceId(rows[0].id)


_OF = PreparedQuery(
    lambda _engine: select(service.c.account_id, service.c.id).where(
        service.c.contract == bindparam("contract")
    )
)
