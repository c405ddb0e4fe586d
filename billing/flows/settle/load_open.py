"""Loads what is open of accounts: items, money on its way, lines, attempts, notices.

The sealed past stays where it is; only where money goes back, what it may open again is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, and_, exists, select, union_all

from billing.dunning.store import dunning_notice
from billing.flows.settle.facts import Facts, Household, Paid
from billing.invoicing.model import SERIES, number
from billing.invoicing.store import invoice, invoice_line, open_period
from billing.payments.model import Debt, MovementKind
from billing.payments.store import (
    INVOICE,
    allocation,
    attempt,
    attempt_from,
    movement,
    movement_from,
    open_item,
)
from billing.rating.model import LineKind
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery, rows_of
from terms.ids import AccountId, InvoiceId, ServiceId
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Rows that were found by the accounts alone."""

    items: Sequence[Any]
    movements: Sequence[Any]


async def load_open(
    tx: Tx,
    found: Open,
    facts: dict[AccountId, Facts],
    households: dict[ServiceId, Household],
) -> None:
    """Load it into the facts of the accounts."""
    _open_items(found.items, facts)
    await _movements(tx, found.movements, facts)
    owners = _owners(facts)
    keys = {KEYS: packed(tx.engine, sorted(owners))}
    subjects = {"subjects": packed(tx.engine, _subjects(households))}
    lines, attempts, notices = await rows_of(
        tx, (_LINES, keys | subjects), (_ATTEMPTS, keys), (_NOTICES, keys)
    )
    for row in lines:
        owner = households[ServiceId(row.service_id)].service.account
        key = (row.subject, LineKind(row.kind), row.period_start)
        facts[owner].lines[key] = InvoiceId(row.invoice_id)
    for row in attempts:
        tries = owners[row.invoice_id].attempts
        tries.setdefault(InvoiceId(row.invoice_id), []).append(attempt_from(row))
    for row in notices:
        owners[row.invoice_id].noticed.add((InvoiceId(row.invoice_id), row.after_days))


def _open_items(rows: Sequence[Any], facts: dict[AccountId, Facts]) -> None:
    for row in rows:
        rest = Money(row.rest_minor, row.currency)
        if row.kind == INVOICE:
            facts[row.account_id].debts.append(
                _debt(InvoiceId(row.id), row.sequence, row.due_on, rest)
            )
        else:
            facts[row.account_id].credits[row.id] = rest


def _item_query(engine: Engine) -> Select[Any]:
    return select(open_item).where(among(engine, open_item.c.account_id))


ITEMS = PreparedQuery(_item_query)


def _debt(key: InvoiceId, sequence: int, due_on: Any, rest: Money) -> Debt:
    return Debt(
        invoice=key, number=number(SERIES, sequence), sequence=sequence, due_on=due_on, rest=rest
    )


def _owners(facts: dict[AccountId, Facts]) -> dict[str, Facts]:
    """List what is open, and what money going back may open again, with whom it belongs to."""
    return {
        debt.invoice: one
        for one in facts.values()
        for debt in (*one.debts, *(paid.debt for paid in one.paid))
    }


def _subjects(households: dict[ServiceId, Household]) -> list[str]:
    """List what is charged periods of."""
    found: list[str] = []
    for household in households.values():
        found += [one.id for one in household.subscriptions]
        found += [one.id for one in household.rentals]
    return found


def _line_query(engine: Engine) -> Any:
    c = invoice_line.c
    columns = (c.service_id, c.subject, c.kind, c.period_start, c.invoice_id)
    begun = and_(open_period.c.subject == c.subject, c.period_start >= open_period.c.open_from)
    of_open_periods = (
        select(*columns)
        .select_from(open_period.join(invoice_line, begun))
        .where(among(engine, open_period.c.subject, "subjects"))
    )
    # Where nothing tells what is sealed, all of a subject's periods are open.
    unsealed = select(*columns).where(
        among(engine, c.subject, "subjects"),
        ~exists().where(open_period.c.subject == c.subject),
    )
    of_open_invoices = select(*columns).where(among(engine, c.invoice_id))
    return union_all(of_open_periods, unsealed, of_open_invoices)


_LINES = PreparedQuery(_line_query)


def _attempt_query(engine: Engine) -> Select[Any]:
    c = attempt.c
    return select(attempt).where(among(engine, c.invoice_id)).order_by(c.invoice_id, c.n)


_ATTEMPTS = PreparedQuery(_attempt_query)


def _notice_query(engine: Engine) -> Select[Any]:
    c = dunning_notice.c
    return select(c.invoice_id, c.after_days).where(among(engine, c.invoice_id))


_NOTICES = PreparedQuery(_notice_query)


async def _movements(tx: Tx, rows: Sequence[Any], facts: dict[AccountId, Facts]) -> None:
    """Load unsettled movements with all others of their charges."""
    goes_back = set()
    for row in rows:
        one = movement_from(row)
        if one.account not in facts:
            continue
        facts[one.account].movements.append(one)
        if one.kind is not MovementKind.CLEARED and not one.is_settled:
            goes_back.add(one.account)
    if goes_back:
        await _paid(tx, {KEYS: packed(tx.engine, sorted(goes_back))}, facts)


def _movement_query(engine: Engine) -> Select[Any]:
    fresh = movement.alias("fresh")
    same_charge = and_(movement.c.provider == fresh.c.provider, movement.c.charge == fresh.c.charge)
    return (
        select(movement)
        .distinct()
        .select_from(fresh.join(movement, same_charge))
        .where(among(engine, fresh.c.account_id), fresh.c.settled_at.is_(None))
        .order_by(movement.c.received_at, movement.c.id)
    )


MOVEMENTS = PreparedQuery(_movement_query)


async def _paid(tx: Tx, keys: dict[str, Any], facts: dict[AccountId, Facts]) -> None:
    sums: dict[tuple[str, str], Paid] = {}
    owners: dict[tuple[str, str], AccountId] = {}
    for row in await _PAID.rows(tx, keys):
        pair = (row.payer_id, row.invoice_id)
        part = Money(row.amount_minor, row.currency)
        owners[pair] = AccountId(row.account_id)
        if pair in sums:
            debt = sums[pair].debt
            sums[pair] = replace(sums[pair], debt=replace(debt, rest=debt.rest + part))
        else:
            debt = _debt(InvoiceId(row.invoice_id), row.sequence, row.due_on, part)
            sums[pair] = Paid(payer=row.payer_id, debt=debt)
    for pair, paid in sums.items():
        facts[owners[pair]].paid.append(paid)


def _paid_query(engine: Engine) -> Select[Any]:
    c = allocation.c
    return (
        select(
            c.account_id,
            c.payer_id,
            c.invoice_id,
            c.amount_minor,
            invoice.c.currency,
            invoice.c.sequence,
            invoice.c.due_on,
        )
        .select_from(allocation.join(invoice, invoice.c.id == c.invoice_id))
        .where(among(engine, c.account_id))
    )


_PAID = PreparedQuery(_paid_query)
