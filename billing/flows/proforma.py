"""A proforma invoice is issued: what settling would bill, written down, numbered, never booked."""

from __future__ import annotations

from datetime import date, datetime

from billing.flows.desk import Desk
from billing.flows.settle import Foreseen
from billing.invoicing.numbers import reserve_numbers
from billing.invoicing.proforma import SERIES, VALID_DAYS_MAX, Proforma, encode_lines, lines_of
from billing.invoicing.store import proforma
from billing.sellers import store as sellers
from billing.tax.groups import encode_groups
from runtime.chance import new_id
from runtime.store import Tx
from terms.calendar import days_after, local_date
from terms.errors import Invalid, InvalidTransition


async def issue(
    desk: Desk,
    tx: Tx,
    foreseen: Foreseen,
    now: datetime,
    *,
    zone: str,
    billed_on: date,
    valid_days: int,
) -> Proforma:
    """Write down what was foreseen in a transaction that never happened.

    Raises Invalid for days out of bounds, InvalidTransition where nothing would be billed.
    """
    if not 0 <= valid_days <= VALID_DAYS_MAX:
        raise Invalid("valid_days", f"must be 0 to {VALID_DAYS_MAX}")
    if foreseen.invoice is None:
        raise InvalidTransition(f"nothing would be billed by {billed_on}")
    today, invoice = local_date(now, zone), foreseen.invoice
    one = Proforma(
        id=new_id(now, desk.chance),
        sequence=await reserve_numbers(tx, SERIES, 1),
        account=foreseen.account,
        issued_on=today,
        issued_at=now,
        billed_on=billed_on,
        valid_until=days_after(today, valid_days),
        lines=lines_of(invoice),
        groups=invoice.groups,
        net=invoice.net,
        tax=invoice.tax,
        seller=(await sellers.load(tx)).on(today),
    )
    row = {
        "id": one.id,
        "sequence": one.sequence,
        "number": one.number,
        "account_id": one.account,
        "currency": one.net.currency,
        "issued_on": one.issued_on,
        "issued_at": one.issued_at,
        "billed_on": one.billed_on,
        "valid_until": one.valid_until,
        "net_minor": one.net.amount_minor,
        "tax_minor": one.tax.amount_minor,
        "groups": encode_groups(one.groups),
        "lines": encode_lines(one.lines),
    }
    await tx.insert(proforma, [row])
    return one
