"""Loads what fees follow from, for the few accounts that may bear some."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import Select, and_, false, func, or_, select

from billing.dunning.dispute_fees import OF_DISPUTES, Charged
from billing.dunning.fee_terms import dispute_read, late_read
from billing.dunning.late_fees import Fee, LateFees
from billing.dunning.overdue import Bill, Covered, History
from billing.dunning.segment import Segments
from billing.flows.settle.facts import Facts, Late
from billing.invoicing.model import SERIES, number
from billing.invoicing.store import credit_line, credit_note, invoice, invoice_line, voided
from billing.payments.model import MovementKind
from billing.payments.store import allocation, movement, write_off
from billing.pending.store import pending_charge
from billing.promises.store import promise
from billing.rating.model import LineKind
from runtime.store import Tx
from runtime.store.among import KEYS, by_key, packed
from runtime.store.bundle import Bundle
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.calendar import Period, days_after
from terms.ids import InvoiceId, ServiceId


async def load_late(tx: Tx, facts: Iterable[Facts], segments: Segments, now: datetime) -> None:
    """Load the history of the accounts of which a late fee may be due or wrong."""
    concerned = {
        one.account.id: one
        for one in facts
        if _may_bear(one, _rules(one, segments), one.account.today(now))
    }
    if not concerned:
        return
    found = await history_rows(tx, concerned)
    for key, one in concerned.items():
        awaited = frozenset(
            invoice
            for invoice, tries in one.attempts.items()
            if any(each.is_unsettled for each in tries)
        )
        one.late = late_of(found.get(key, {}), one.account.currency, one.account.today, awaited)


def _rules(one: Facts, segments: Segments) -> LateFees | None:
    return segments.of(one.account.segment).late_fees_in(one.account.currency)


async def load_disputed(tx: Tx, facts: Iterable[Facts]) -> None:
    """Load what accounts that hear of a dispute were charged for disputes."""
    concerned = {
        one.account.id: one
        for one in facts
        if any(not each.is_settled and each.kind in OF_DISPUTES for each in one.movements)
    }
    if not concerned:
        return
    for row in await _DISPUTED.rows(tx, {KEYS: packed(tx.engine, sorted(concerned))}):
        concerned[row.account_id].dispute_fees.append(_dispute_fee(row))


def _dispute_fee(row: Any) -> Charged:
    record = json.loads(row.record)
    return Charged(
        id=row.id,
        dispute=(record["provider"], record["charge"]),
        amount_minor=row.amount_minor,
        rules=dispute_read(record["rules"]),
        take=record["take"],
        is_withdrawn=row.is_withdrawn,
        is_forgiven=row.is_forgiven,
    )


def _may_bear(one: Facts, rules: LateFees | None, today: date) -> bool:
    """Whether an invoice is late enough, is void, or money came that was there before."""
    if one.voided:
        return True
    if rules is None:
        return False
    debts = (debt for debt in one.debts if not debt.is_fee and debt.due_on >= rules.from_on)
    return any(rules.first_on(debt.due_on) <= today for debt in debts) or any(
        not each.is_settled
        and each.kind is MovementKind.CLEARED
        and one.account.today(each.received_at) < today
        for each in one.movements
    )


Rows = Mapping[str, list[Any]]
# What a bank took back counts as paid: only what we have given back went.
_COUNTED = sorted(
    each.value
    for each in (
        MovementKind.CLEARED,
        MovementKind.REFUNDED,
        MovementKind.GIVEN_BACK,
        MovementKind.BOUNCED,
    )
)


async def history_rows(tx: Tx, accounts: Iterable[str]) -> Mapping[str, Rows]:
    """Read the history of accounts with one statement."""
    rows = await _HISTORY.rows(tx, {KEYS: packed(tx.engine, sorted(accounts))})
    found: dict[str, dict[str, list[Any]]] = {}
    for name, each in rows.items():
        for row in each:
            found.setdefault(row.account_id, {}).setdefault(name, []).append(row)
    return found


def late_of(
    rows: Rows, currency: str, day_of: Any, awaited: frozenset[InvoiceId] = frozenset()
) -> Late:
    """Make the history of one account of its rows; `day_of` tells the day of an instant there."""
    given_up: dict[str, list[tuple[date, int]]] = {}
    for row in rows.get("given_up", ()):
        given_up.setdefault(row.invoice_id, []).append((row.written_on, row.amount_minor))
    history = History(
        bills=[
            _bill(row, given_up.get(row.id, []))
            for row in rows.get("bills", ())
            if row.currency == currency
        ],
        money=sorted(_money(rows, currency, day_of)),
        promises=[
            Covered(
                days=Period(day_of(row.made_at), days_after(row.until_on, 1)), through=row.through
            )
            for row in rows.get("promises", ())
        ],
        awaited=awaited,
    )
    return Late(history, [_fee(row) for row in rows.get("fees", ())])


def _bill(row: Any, given_up: Iterable[tuple[date, int]]) -> Bill:
    return Bill(
        invoice=InvoiceId(row.id),
        number=number(SERIES, row.sequence),
        sequence=row.sequence,
        service=ServiceId(row.service_id),
        issued_on=row.issued_on,
        due_on=row.due_on,
        total_minor=row.total_minor,
        is_void=row.void_id is not None,
        given_up=tuple(given_up),
    )


def _money(rows: Rows, currency: str, day_of: Any) -> Iterable[tuple[date, int]]:
    """Yield what came and what went back, each with its day.

    What of a credit note took the place of a write-off has paid nothing else.
    """
    for row in (*rows.get("notes", ()), *rows.get("replacing", ())):
        if row.currency == currency:
            yield row.issued_on, int(row.total_minor)
    refunds: dict[tuple[str, str], list[Any]] = {}
    for row in rows.get("money", ()):
        if row.currency != currency:
            continue
        if row.kind == MovementKind.CLEARED:
            yield day_of(row.received_at), row.amount_minor
        else:
            refunds.setdefault((row.provider, row.charge), []).append(row)
    for told in refunds.values():
        yield from _refunded(told, day_of)


def _refunded(told: list[Any], day_of: Any) -> Iterable[tuple[date, int]]:
    """Yield what went back of a charge: some providers tell the sum so far, others each refund."""
    most = 0
    for row in sorted(told, key=lambda row: (row.received_at, row.amount_minor)):
        amount = row.amount_minor
        if row.kind == MovementKind.REFUNDED:
            most, amount = max(most, amount), max(0, amount - most)
        if amount:
            yield day_of(row.received_at), amount if row.kind == MovementKind.BOUNCED else -amount


def _fee(row: Any) -> Fee:
    record = json.loads(row.record)
    return Fee(
        id=row.id,
        invoice=InvoiceId(row.cause),
        n=record["n"],
        take=record["take"],
        days=Period(row.period_start, row.period_end),
        amount_minor=row.amount_minor,
        rules=late_read(record["rules"]),
        is_withdrawn=row.is_withdrawn,
        is_forgiven=row.is_forgiven,
    )


def _bills(engine: Engine) -> Select[Any]:
    c, line = invoice.c, invoice_line.c
    columns = (c.id, c.account_id, c.currency, c.sequence, c.issued_on, c.due_on, c.total_minor)
    query = (
        select(*columns, line.service_id, voided.c.invoice_id.label("void_id"))
        .select_from(
            invoice.join(invoice_line, and_(line.invoice_id == c.id, line.n == 1)).outerjoin(
                voided, voided.c.invoice_id == c.id
            )
        )
        .where(c.is_fee == false())
    )
    return by_key(engine, query, c.account_id, order_by=("due_on", "sequence"))


def _notes(engine: Engine) -> Select[Any]:
    """Ask for what was given back of invoices that are not of fees."""
    c, line = credit_note.c, credit_line.c
    query = (
        select(
            *(c.id, c.account_id, c.currency, c.issued_on),
            func.sum(line.net_minor + line.tax_minor).label("total_minor"),
        )
        .select_from(
            credit_note.join(credit_line, line.note_id == c.id).join(
                invoice, invoice.c.id == line.invoice_id
            )
        )
        .where(invoice.c.is_fee == false())
        .group_by(c.id, c.account_id, c.currency, c.issued_on)
    )
    return by_key(engine, query, c.account_id)


def _moved(engine: Engine) -> Select[Any]:
    c = movement.c
    columns = (c.account_id, c.provider, c.charge, c.kind, c.amount_minor, c.currency)
    query = select(*columns, c.received_at)
    return by_key(engine, query.where(or_(*(c.kind == each for each in _COUNTED))), c.account_id)


def _replacing(engine: Engine) -> Select[Any]:
    """Ask for what of notes took the place of write-offs of invoices that are not of fees."""
    gone, paid = allocation.alias("gone"), allocation.alias("paid")
    c, n = gone.c, credit_note.c
    with_it = and_(
        paid.c.invoice_id == c.invoice_id,
        paid.c.allocated_at == c.allocated_at,
        paid.c.amount_minor > 0,
    )
    query = (
        select(c.account_id, n.currency, n.issued_on, c.amount_minor.label("total_minor"))
        .select_from(
            gone.join(write_off, write_off.c.id == c.payer_id)
            .join(invoice, invoice.c.id == c.invoice_id)
            .join(paid, with_it)
            .join(credit_note, n.id == paid.c.payer_id)
        )
        .where(c.amount_minor < 0, invoice.c.is_fee == false())
    )
    return by_key(engine, query, c.account_id)


def _promised(engine: Engine) -> Select[Any]:
    c = promise.c
    query = select(c.account_id, c.made_at, c.until_on, c.through)
    return by_key(engine, query, c.account_id)


def _given_up(engine: Engine) -> Select[Any]:
    c = write_off.c
    query = select(c.account_id, c.invoice_id, c.amount_minor, c.written_on)
    return by_key(engine, query, c.invoice_id, via=(invoice.c.id, invoice.c.account_id))


def _charged(kind: LineKind, engine: Engine) -> Select[Any]:
    c = pending_charge.c
    columns = (c.id, c.account_id, c.cause, c.period_start, c.period_end, c.amount_minor, c.record)
    query = select(*columns, c.is_withdrawn, c.is_forgiven)
    return by_key(engine, query.where(c.kind == kind.value), c.account_id)


_HISTORY = Bundle(
    bills=_bills,
    notes=_notes,
    replacing=_replacing,
    money=_moved,
    promises=_promised,
    given_up=_given_up,
    fees=partial(_charged, LineKind.LATE_FEE),
)
_DISPUTED = PreparedQuery(partial(_charged, LineKind.DISPUTE_FEE))
