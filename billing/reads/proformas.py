"""Proforma invoices by their numbers."""

from __future__ import annotations

from sqlalchemy import select

from billing.invoicing.proforma import Proforma, decode_lines
from billing.invoicing.store import proforma
from billing.sellers import store as sellers
from billing.tax.groups import decode_groups
from runtime.store import Tx
from terms.errors import NotFound
from terms.ids import AccountId
from terms.money import Money


async def view(tx: Tx, number: str) -> Proforma:
    """Show a proforma invoice by its number. Raises NotFound."""
    row = await tx.first(select(proforma).where(proforma.c.number == number))
    if row is None:
        raise NotFound(f"there is no proforma invoice {number!r}", field="proforma")
    return Proforma(
        id=row.id,
        sequence=row.sequence,
        account=AccountId(row.account_id),
        issued_on=row.issued_on,
        issued_at=row.issued_at,
        billed_on=row.billed_on,
        valid_until=row.valid_until,
        lines=decode_lines(row.lines, row.currency),
        groups=tuple(decode_groups(row.groups, row.currency)),
        net=Money(row.net_minor, row.currency),
        tax=Money(row.tax_minor, row.currency),
        seller=(await sellers.load(tx)).on(row.issued_on),
    )
