"""How a subscriber is reached changes: telephone and e-mail, and what the household is found by."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import delete, or_, select, update

from billing.accounts import finding
from billing.accounts.finding import EMAIL, PHONE
from billing.accounts.store import account, customer, search_term, service
from runtime.store import Tx
from terms.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How somebody is reached; empty where nobody has told it."""

    phone: str
    email: str


async def change_contact(
    tx: Tx, contract: str, *, phone: str | None = None, email: str | None = None
) -> tuple[Contact, Contact]:
    """Keep another telephone or e-mail; None leaves one as it is. Returns how it was and is.

    Raises NotFound for an unknown contract.
    """
    joined = service.join(account, account.c.id == service.c.account_id).join(
        customer, customer.c.id == account.c.customer_id
    )
    query = select(customer.c.id, customer.c.phone, customer.c.email).select_from(joined)
    row = await tx.first(query.where(service.c.contract == contract).with_for_update(of=customer))
    if row is None:
        raise NotFound(f"there is no contract {contract!r}", field="contract")
    before = Contact(phone=row.phone, email=row.email)
    after = replace(
        before,
        phone=before.phone if phone is None else phone,
        email=before.email if email is None else email,
    )
    values = {"phone": after.phone, "email": after.email}
    await tx.execute(update(customer).where(customer.c.id == row.id).values(values))
    await _find_by(tx, row.id, after)
    return before, after


async def _find_by(tx: Tx, owner: str, contact: Contact) -> None:
    """Let every household of a customer be found by this contact and by no former one."""
    theirs = select(service.c.id).join(account, account.c.id == service.c.account_id)
    homes = [row.id for row in await tx.rows(theirs.where(account.c.customer_id == owner))]
    c = search_term.c
    of_contact = or_(*(c.term.startswith(kind) for kind in (PHONE, EMAIL)))
    await tx.execute(delete(search_term).where(c.service_id.in_(homes), of_contact))
    terms = finding.contact_terms(phone=contact.phone, email=contact.email)
    rows = [{"service_id": home, "term": term} for home in homes for term in sorted(terms)]
    await tx.insert(search_term, rows)
