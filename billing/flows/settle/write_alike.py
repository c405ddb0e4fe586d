"""Writes what was decided of a batch: of each, and of stand-ins for all that are like them.

Who takes numbers keeps others from taking any until all is written. So whatever names no number is
written before: what is booked, and the lines, which refer to invoices that are there in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from billing.flows.desk import Desk
from billing.flows.settle.alike import Alike, Names
from billing.flows.settle.batch import Decided, Like, Sight
from billing.flows.settle.write import write
from billing.invoicing.discounts import invoice_discount
from billing.invoicing.model import SERIES, number
from billing.invoicing.store import invoice_line
from billing.ledger.store import entry, posting
from runtime.chance import new_ids
from runtime.store import Tx
from runtime.store.copies import Copier, collected, together
from runtime.store.later import Rows, Statement

UNNUMBERED = (entry, posting, invoice_line, invoice_discount)


async def write_all(desk: Desk, sight: Sight, decided: Decided, now: datetime) -> None:
    """Write everything; the invoices of those that are alike are numbered as one block."""
    tx = sight.tx
    charged = [like for like in decided.alike if like.decision.invoice]
    if not charged:
        await write(desk, tx, decided.each)
        return
    copying = [await _copying(desk, tx, like, now) for like in charged]
    await tx.put_all(together(chain.from_iterable(one.unnumbered() for one in copying)))
    puts = await collected(tx, lambda aside: write(desk, aside, decided.each))
    first = await desk.numbers.take(sight.look, tx, SERIES, sum(len(one.ids) for one in copying))
    for one in copying:
        puts += one.numbered(first)
        first += len(one.ids)
    await tx.put_all(together(puts))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copying:
    """What is written for a stand-in, and the ids of the invoices of all that are like it."""

    puts: Sequence[Statement | Rows]
    alike: Alike
    ids: Sequence[str]

    def unnumbered(self) -> list[Rows]:
        """Copy what names no number."""
        members = zip(self.ids, self.alike.each, strict=True)
        names = [(key, "", 0, *one.names) for key, one in members]
        return self._copies(names, are_numbered=False)

    def numbered(self, first: int) -> list[Rows]:
        """Copy all the rest, numbered from the first on."""
        members = enumerate(zip(self.ids, self.alike.each, strict=True), first)
        names = [(key, number(SERIES, n), n, *one.names) for n, (key, one) in members]
        return self._copies(names, are_numbered=True)

    def _copies(self, names: Sequence[Names], *, are_numbered: bool) -> list[Rows]:
        mine = [put for put in self.puts if _is_numbered(put) is are_numbered]
        return Copier(mine, self.alike.places).copies(names)


def _is_numbered(put: Statement | Rows) -> bool:
    return isinstance(put, Statement) or put.table not in UNNUMBERED


async def _copying(desk: Desk, tx: Tx, like: Like, now: datetime) -> _Copying:
    puts = await collected(tx, lambda aside: write(desk, aside, [like.decision]))
    ids = new_ids(now, desk.chance, len(like.alike.each))
    return _Copying(puts=puts, alike=like.alike, ids=ids)
