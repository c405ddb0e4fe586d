"""What dunning would do to everybody who owes, by the rules there are or by others. Writes nothing.

Accounts are read in pages, each with as many statements however many there are. What is on its way
and on no book yet is not counted, and no debt that is still to come.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from heapq import nsmallest
from typing import Any, NamedTuple

from sqlalchemy import select

from billing.accounts.store import account
from billing.debits.store import is_mandate
from billing.dunning.foreseeing import Outlook, foresee
from billing.dunning.hours import Slot
from billing.dunning.judging import Debtor
from billing.dunning.model import Action, Cut
from billing.dunning.reactivation import Needs, Suspension
from billing.dunning.segment import Segment, Segments
from billing.dunning.store import dunning_cut, dunning_notice, dunning_suspension, suspension_from
from billing.invoicing.model import SERIES, number
from billing.payments.model import Attempt, Debt
from billing.payments.store import INVOICE, attempt, attempt_from, open_item
from billing.promises.model import PromiseState
from billing.promises.store import from_row, promise
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.calendar import days_after, local_date, local_hour
from terms.ids import InvoiceId
from terms.money import Money, total

PAGE = 1_000
_HAPPENS = {
    Action.LIMIT: "limited",
    Action.SUSPEND: "suspended",
    Action.TERMINATE: "terminated",
    Action.WRITE_OFF: "written_off",
}
# What may happen, in the order of a ladder.
HAPPENINGS = ("told", *_HAPPENS.values(), "restored")
FIRST_MAX = 50
DAYS_MAX = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Owing:
    """An account that owes, as dunning looks at it; `suspension` is one that is not over."""

    number: str
    segment: str
    now: Slot
    debtor: Debtor
    suspension: Suspension | None = None

    @property
    def owed(self) -> Money:
        """All that is open."""
        rests = [debt.rest for debt in self.debtor.debts]
        return total(rests, rests[0].currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """An account that something would happen to, and on which day."""

    account: str
    segment: str
    on: date
    owed: Money


@dataclass(slots=True, kw_only=True)
class Effects:
    """How many would be told, limited, suspended, lose their contract, be written off and come
    back by some rules, and who is first.
    """

    notices: int = 0
    told: int = 0
    limited: int = 0
    suspended: int = 0
    terminated: int = 0
    written_off: int = 0
    restored: int = 0
    first_told: Sequence[First] = ()
    first_limited: Sequence[First] = ()
    first_suspended: Sequence[First] = ()
    first_terminated: Sequence[First] = ()
    first_written_off: Sequence[First] = ()
    first_restored: Sequence[First] = ()

    def add(self, one: Owing, outlook: Outlook) -> None:
        """Count what would happen to an account."""
        self.notices += len(outlook.told_on)
        days = {_HAPPENS[action]: on for action, on in outlook.first_on.items()}
        if outlook.told_on:
            days["told"] = outlook.told_on[0]
        if outlook.restored_on:
            days["restored"] = outlook.restored_on
        for name, on in days.items():
            setattr(self, name, getattr(self, name) + 1)
            first = _first(getattr(self, f"first_{name}"), one, on)
            setattr(self, f"first_{name}", first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would happen until so many days from now, if nobody paid, by either rules."""

    days: int
    accounts: int
    published: Effects = field(default_factory=Effects)
    wished: Effects = field(default_factory=Effects)


async def preview(
    tx: Tx, published: Segments, wished: Segments, now: datetime, *, days: int
) -> Preview:
    """Compare what follows from the rules there are with what would follow from others."""
    effects, others, count = Effects(), Effects(), 0
    async for page in _pages(tx, now):
        for one in page:
            count += 1
            until = Slot(days_after(one.now.day, days), one.now.hour)
            for rules, into in ((published, effects), (wished, others)):
                into.add(one, _outlook(one, rules.of(one.segment), until))
    return Preview(days=days, accounts=count, published=effects, wished=others)


def _outlook(one: Owing, segment: Segment, until: Slot) -> Outlook:
    """Tell what comes; who is dark and has not paid what is asked for does not come back."""
    outlook, dark = foresee(one.debtor, segment, one.now, until), one.suspension
    if dark is None or segment.is_exempt or segment.reactivation.needs is Needs.OLD:
        return outlook
    lacks = segment.lacking(dark, one.debtor.debts, one.now.day)
    return replace(outlook, restored_on=None) if lacks else outlook


def _first(known: Sequence[First], one: Owing, on: date) -> Sequence[First]:
    if len(known) == FIRST_MAX and on > known[-1].on:
        return known
    new = First(account=one.number, segment=one.segment, on=on, owed=one.owed)
    return nsmallest(FIRST_MAX, [*known, new], key=lambda each: (each.on, each.account))


async def _pages(tx: Tx, now: datetime) -> AsyncIterator[list[Owing]]:
    """Read who owes, in the order of their ids."""
    c, after = open_item.c, ""
    while True:
        query = select(c.account_id).where(c.kind == INVOICE, c.account_id > after)
        rows = await tx.rows(query.distinct().order_by(c.account_id).limit(PAGE))
        keys = [row.account_id for row in rows]
        if not keys:
            return
        yield await _owing(tx, keys, now)
        after = keys[-1]


async def _owing(tx: Tx, keys: Sequence[str], now: datetime) -> list[Owing]:
    given = {KEYS: packed(tx.engine, keys)}
    owners = await tx.rows(select(account).where(among(tx.engine, account.c.id)), given)
    found: dict[str, list[Debt]] = {}
    mine = (among(tx.engine, open_item.c.account_id), open_item.c.kind == INVOICE)
    for row in await tx.rows(select(open_item).where(*mine), given):
        found.setdefault(row.account_id, []).append(_debt(row))
    invoices = {KEYS: packed(tx.engine, [debt.invoice for each in found.values() for debt in each])}
    zones = {debt.invoice: row.zone for row in owners for debt in found[row.id]}
    facts = await _facts(tx, invoices, zones)
    standing = (
        among(tx.engine, promise.c.account_id),
        promise.c.state == PromiseState.STANDING.value,
    )
    promises = {
        row.account_id: from_row(row)
        for row in await tx.rows(select(promise).where(*standing), given)
    }
    mine_too = select(dunning_suspension).where(among(tx.engine, dunning_suspension.c.account_id))
    suspensions = {row.account_id: suspension_from(row) for row in await tx.rows(mine_too, given)}
    return [
        Owing(
            number=row.number,
            segment=row.segment,
            now=Slot(local_date(now, row.zone), local_hour(now, row.zone)),
            debtor=facts.debtor(
                sorted(_of(found[row.id], row.currency), key=lambda debt: debt.order),
                promises.get(row.id),
                _over(suspensions.get(row.id), row.zone),
            ),
            suspension=_going_on(suspensions.get(row.id)),
        )
        for row in sorted(owners, key=lambda row: str(row.id))
        if any(_of(found[row.id], row.currency))
    ]


def _going_on(one: Suspension | None) -> Suspension | None:
    return None if one is None or one.is_over else one


def _over(one: Suspension | None, zone: str) -> _Over | None:
    if one is None or one.restored_at is None:
        return None
    return _Over(one, local_date(one.restored_at, zone))


class _Over(NamedTuple):
    """A suspension that is over, since a day."""

    suspension: Suspension
    since_on: date


def _of(debts: Sequence[Debt], currency: str) -> Iterator[Debt]:
    return (debt for debt in debts if debt.rest.currency == currency)


@dataclass(slots=True, kw_only=True)
class _Facts:
    """What is known of the open invoices of a page."""

    attempts: dict[InvoiceId, list[Attempt]] = field(default_factory=dict)
    noticed: dict[InvoiceId, dict[int, date]] = field(default_factory=dict)
    cuts: dict[InvoiceId, Cut] = field(default_factory=dict)

    def debtor(self, debts: Sequence[Debt], promised: Any, over: _Over | None) -> Debtor:
        """Gather what dunning looks at; after a suspension the ladder has begun anew."""
        keys = [debt.invoice for debt in debts]
        if over:
            debts = [over.suspension.anew(debt, over.since_on) for debt in debts]
        return Debtor(
            debts=debts,
            attempts={key: self.attempts[key] for key in keys if key in self.attempts},
            noticed={
                debt.invoice: self._given(debt, over)
                for debt in debts
                if debt.invoice in self.noticed
            },
            cut=next((self.cuts[key] for key in keys if key in self.cuts), None),
            promise=promised,
        )

    def _given(self, debt: Debt, over: _Over | None) -> dict[int, date]:
        """List the notices of a debt, those from before it was restored left out."""
        given = self.noticed[debt.invoice]
        if over is None or debt.sequence > over.suspension.restored_through:
            return given
        return {days: on for days, on in given.items() if on > over.since_on}


async def _facts(tx: Tx, given: Mapping[str, Any], zones: Mapping[InvoiceId, str]) -> _Facts:
    facts = _Facts()
    tries = select(attempt, is_mandate(attempt.c.method_id).label("is_debit"))
    for row in await tx.rows(tries.where(among(tx.engine, attempt.c.invoice_id)), given):
        one = attempt_from(row, is_debit=bool(row.is_debit))
        facts.attempts.setdefault(row.invoice_id, []).append(one)
    noticed = select(dunning_notice).where(among(tx.engine, dunning_notice.c.invoice_id))
    for row in await tx.rows(noticed, given):
        on = local_date(row.given_at, zones[row.invoice_id])
        facts.noticed.setdefault(row.invoice_id, {})[row.after_days] = on
    cuts = select(dunning_cut).where(among(tx.engine, dunning_cut.c.invoice_id))
    for row in await tx.rows(cuts, given):
        facts.cuts[row.invoice_id] = Cut(row.rung, row.cut_on, row.rests)
    return facts


def _debt(row: Any) -> Debt:
    return Debt(
        invoice=InvoiceId(row.id),
        number=number(SERIES, row.sequence),
        sequence=row.sequence,
        due_on=row.due_on,
        rest=Money(row.rest_minor, row.currency),
        is_fee=row.is_fee,
    )
