"""What the books say, read straight from the tables, for assertions; and a count of statements."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import func, select

from billing.accounts.store import service
from billing.dunning.store import dunning_notice, hold
from billing.equipment.store import rental
from billing.invoicing.store import credit_line, credit_note, invoice, invoice_line
from billing.ledger.store import entry, posting
from billing.payments.store import allocation, attempt, movement, open_item
from runtime.log import log_entry, snapshot
from runtime.store import Store, Tx
from runtime.work import work
from terms.entitlement import Entitlement

DOCUMENTS = (invoice, invoice_line, credit_note, credit_line)
MONEY = (*DOCUMENTS, posting, entry, allocation, open_item, movement, attempt)
ALL = (*MONEY, rental, hold, dunning_notice, snapshot, service, log_entry, work)


async def rows(store: Store, table: Any) -> list[tuple[Any, ...]]:
    """Return a whole table, sorted."""
    async with store.read() as tx:
        return sorted((tuple(row) for row in await tx.rows(select(table))), key=repr)


async def everything(store: Store, tables: Sequence[Any] = ALL) -> dict[str, Any]:
    """Return whole tables by name."""
    return {table.name: await rows(store, table) for table in tables}


async def balances(store: Store) -> dict[tuple[str, str, str], int]:
    """Return the sum of every book and party that is not zero, by currency."""
    total = func.sum(entry.c.amount_minor)
    columns = (entry.c.book, entry.c.party, entry.c.currency)
    async with store.read() as tx:
        found = await tx.rows(select(*columns, total.label("total")).group_by(*columns))
    return {(row.book, row.party, row.currency): int(row.total) for row in found if row.total}


async def open_items(store: Store) -> dict[str, int]:
    """Return what is left of invoices, by number, and of money, by `credit`."""
    query = select(open_item.c.kind, open_item.c.rest_minor, invoice.c.number)
    joined = open_item.outerjoin(invoice, invoice.c.id == open_item.c.id)
    async with store.read() as tx:
        found = await tx.rows(select_from(query, joined))
    left: dict[str, int] = {}
    for row in found:
        name = row.number or row.kind
        left[name] = left.get(name, 0) + row.rest_minor
    return left


def select_from(query: Any, joined: Any) -> Any:
    """Select from a join."""
    return query.select_from(joined)


async def rights(store: Store, key: str) -> Entitlement:
    """Return the newest entitlement of a service."""
    async with store.read() as tx:
        row = await tx.first(select(snapshot).where(snapshot.c.key == key))
    assert row is not None, f"nothing was published for {key}"
    return Entitlement.decode(row.value, revision=row.revision)


async def check_books(store: Store) -> None:
    """Check that every posting balances and that open items are what the ledger says is owed."""
    async with store.read() as tx:
        unbalanced = await tx.rows(
            select(entry.c.posting_id, entry.c.currency)
            .group_by(entry.c.posting_id, entry.c.currency)
            .having(func.sum(entry.c.amount_minor) != 0)
        )
        paid = await tx.rows(
            select(
                allocation.c.invoice_id, func.sum(allocation.c.amount_minor).label("paid")
            ).group_by(allocation.c.invoice_id)
        )
        documents = await tx.rows(select(invoice))
        items = {row.id: row for row in await tx.rows(select(open_item))}
    assert not unbalanced
    by_invoice = {row.invoice_id: int(row.paid) for row in paid}
    for one in documents:
        left = items[one.id].rest_minor if one.id in items else 0
        assert one.total_minor - by_invoice.get(one.id, 0) == left, one.number
        assert 0 <= by_invoice.get(one.id, 0) <= one.total_minor
    sums = await balances(store)
    for row in {item.account_id for item in items.values()}:
        mine = [item for item in items.values() if item.account_id == row]
        owed = sum(i.rest_minor for i in mine if i.kind == "invoice")
        unused = sum(i.rest_minor for i in mine if i.kind == "credit")
        assert sum(v for (b, p, _), v in sums.items() if b == "receivable" and p == row) == owed
        assert sum(v for (b, p, _), v in sums.items() if b == "credit" and p == row) == -unused
    await _check_notes(store, items)
    numbers = sorted(one.sequence for one in documents)
    assert numbers == list(range(1, len(numbers) + 1))


async def _check_notes(store: Store, items: dict[str, Any]) -> None:
    """Check that credit notes pay what they give back, and that deposits charged are held."""
    c, line = credit_line.c, invoice_line.c
    charged = (c.invoice_id == line.invoice_id) & (c.invoice_n == line.n)
    columns = (line.amount_minor, line.kind, c.amount_minor.label("back"), c.kept_minor)
    joined = invoice_line.join(invoice, invoice.c.id == line.invoice_id)
    paid_by = select(allocation.c.payer_id, func.sum(allocation.c.amount_minor).label("paid"))
    async with store.read() as tx:
        notes = await tx.rows(select(credit_note).order_by(credit_note.c.sequence))
        paid = await tx.rows(paid_by.group_by(allocation.c.payer_id))
        lines = await tx.rows(
            select_from(
                select(invoice.c.account_id, *columns), joined.outerjoin(credit_line, charged)
            )
        )
    by_payer = {row.payer_id: int(row.paid) for row in paid}
    for one in notes:
        unused = items[one.id].rest_minor if one.id in items else 0
        assert one.total_minor - by_payer.get(one.id, 0) == unused, one.number
    assert [one.sequence for one in notes] == list(range(1, len(notes) + 1))
    held: dict[str, int] = {}
    for row in lines:
        if row.back is not None:
            assert row.back + row.kept_minor <= row.amount_minor
        if row.kind == "deposit" and row.back is None:
            held[row.account_id] = held.get(row.account_id, 0) + row.amount_minor
    sums = await balances(store)
    assert {p: -v for (b, p, _), v in sums.items() if b == "deposit"} == held


_ONE_EACH = ("execute", "fetch", "write", "put", "write_many", "insert_many", "put_many")


class Counted:
    """Statements made through a transaction."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.is_inside = False

    @property
    def writes(self) -> list[str]:
        """Return those that may change something."""
        reads = ("execute SELECT", "fetch SELECT", "fetch (SELECT")
        return [one for one in self.made if not one.startswith(reads)]


@asynccontextmanager
async def counting(store: Store) -> AsyncIterator[tuple[Tx, Counted]]:
    """Open a transaction that counts every statement sent, however many rows it carries."""
    counted = Counted()
    async with store.begin() as tx:
        lease = tx._lease
        originals = {}
        for name in (*_ONE_EACH, "fetch_all"):
            originals[name] = getattr(lease, name)

            async def note(*args, _call=originals[name], _name=name):
                given = [sql for sql, _ in args[0]] if _name == "fetch_all" else [args[0]]
                texts = [" ".join(str(one).split())[:60] for one in given]
                # One way of a lease is made of another.
                if not texts[0].startswith("BEGIN") and not counted.is_inside:
                    counted.made += [f"{_name.partition('_')[0]} {text}" for text in texts]
                was_inside, counted.is_inside = counted.is_inside, True
                try:
                    return await _call(*args)
                finally:
                    counted.is_inside = was_inside

            setattr(lease, name, note)
        try:
            yield tx, counted
        finally:
            for name in originals:
                delattr(lease, name)
