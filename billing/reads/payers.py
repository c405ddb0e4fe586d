"""Who pays an account: found by what somebody says of themselves, for whoever asks as the payer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from billing.accounts import finding
from billing.accounts.store import account, customer, search_term, service
from runtime.store import Tx
from terms.ids import AccountId, ServiceId

# So many are looked at for one beginning of an address; who shares it with more is not found by it.
ALIKE_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """An account, its contract, and how its subscriber is called and reached."""

    account: AccountId
    service: ServiceId
    contract: str
    name: str
    email: str = field(repr=False)
    locale: str
    zone: str


async def called(tx: Tx, name: str) -> Payer | None:
    """Find who goes by a contract, in any case of its letters, or by an e-mail address.

    Nobody does by an address that several accounts have.
    """
    if not name.isprintable():
        return None
    if "@" in name:
        rows = await tx.rows(_by_term(finding.email_term(name)))
        found = [row for row in rows if finding.same_email(row.email, name)]
    else:
        rows = await tx.rows(_by_term(finding.contract_begins(name)))
        alike = [row for row in rows if row.contract.casefold() == name.strip().casefold()]
        found = [row for row in alike if row.contract == name.strip()] or alike
    return _payer(found[0]) if len(found) == 1 else None


async def of_account(tx: Tx, key: AccountId) -> Payer | None:
    """Find who pays an account; None where there is no such account."""
    row = await tx.first(_payers().where(account.c.id == key).order_by(service.c.contract))
    return _payer(row) if row else None


def _by_term(term: str) -> Select[Any]:
    return _payers().where(_has(term)).order_by(service.c.contract).limit(ALIKE_MAX)


def _has(term: str) -> ColumnElement[bool]:
    c = search_term.c
    return service.c.id.in_(select(c.service_id).where(c.term == term))


def _payers() -> Select[Any]:
    return select(
        account.c.id,
        account.c.locale,
        account.c.zone,
        service.c.id.label("service_id"),
        service.c.contract,
        customer.c.name,
        customer.c.email,
    ).select_from(
        service.join(account, account.c.id == service.c.account_id).join(
            customer, customer.c.id == account.c.customer_id
        )
    )


def _payer(row: Any) -> Payer:
    return Payer(
        account=AccountId(row.id),
        service=ServiceId(row.service_id),
        contract=row.contract,
        name=row.name,
        email=row.email,
        locale=row.locale,
        zone=row.zone,
    )
