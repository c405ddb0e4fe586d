"""Settling: what an account is charged and may watch, computed and written once."""

from sqlalchemy import select

from billing.invoicing.store import invoice, invoice_line
from tests.fixtures.billing import Office


async def test_first_invoice(office: Office):
    """A household that joins on 11 March with bill day 1 pays 21 of 31 days, taxed once."""
    account = await office.join(addons=("SPORT",))
    async with office.store.read() as tx:
        documents = await tx.rows(select(invoice))
        lines = await tx.rows(select(invoice_line).order_by(invoice_line.c.n))
    assert [(d.number, d.net_minor, d.tax_minor, d.total_minor) for d in documents] == [
        ("INV-00000001", 2520, 504, 3024)
    ]
    assert [(ln.days, ln.of_days, ln.amount_minor) for ln in lines] == [(21, 31, 2100), (21, 31, 420)]
    settled = await office.settle(account)
    print(settled)
