"""Writes what was decided of a batch: of each, and of stand-ins for all that are like them.

Who takes numbers keeps others from taking any until all is written. So what is booked, which names
no number and is a good third of it, is written before.
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
from billing.invoicing.model import SERIES, number
from billing.ledger.store import entry, posting
from runtime.chance import new_ids
from runtime.store import Tx
from runtime.store.copies import Copier, collected, together
from runtime.store.later import Rows, Statement


async def write_all(desk: Desk, sight: Sight, decided: Decided, now: datetime) -> None:
    """Write everything; the invoices of those that are alike are numbered as one block."""
    tx = sight.tx
    charged = [like for like in decided.alike if like.decision.invoice]
    if not charged:
        await write(desk, tx, decided.each)
        return
    copying = [await _copying(desk, tx, like, now) for like in charged]
    await tx.put_all(together(chain.from_iterable(one.books() for one in copying)))
    puts = await collected(tx, lambda aside: write(desk, aside, decided.each))
    first = await desk.numbers.take(sight.look, tx, SERIES, sum(len(one.ids) for one in copying))
    for one in copying:
        puts += one.papers(first)
        first += len(one.ids)
    await tx.put_all(together(puts))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copying:
    """What is written for a stand-in, and the ids of the invoices of all that are like it."""

    puts: Sequence[Statement | Rows]
    alike: Alike
    ids: Sequence[str]

    def books(self) -> list[Rows]:
        """Copy what is booked."""
        members = zip(self.ids, self.alike.each, strict=True)
        names = [(key, "", 0, *one.names) for key, one in members]
        return self._copies(names, are_booked=True)

    def papers(self, first: int) -> list[Rows]:
        """Copy all the rest, numbered from the first on."""
        members = enumerate(zip(self.ids, self.alike.each, strict=True), first)
        names = [(key, number(SERIES, n), n, *one.names) for n, (key, one) in members]
        return self._copies(names, are_booked=False)

    def _copies(self, names: Sequence[Names], *, are_booked: bool) -> list[Rows]:
        mine = [put for put in self.puts if _is_booked(put) is are_booked]
        return Copier(mine, self.alike.places).copies(names)


def _is_booked(put: Statement | Rows) -> bool:
    return isinstance(put, Rows) and put.table in (entry, posting)


async def _copying(desk: Desk, tx: Tx, like: Like, now: datetime) -> _Copying:
    puts = await collected(tx, lambda aside: write(desk, aside, [like.decision]))
    ids = new_ids(now, desk.chance, len(like.alike.each))
    return _Copying(puts=puts, alike=like.alike, ids=ids)
