"""Loads what is open of accounts: items, money on its way, attempts, notices.

The sealed past stays where it is; only where money goes back, what it may open again is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Label,
    ScalarSelect,
    Select,
    and_,
    cast,
    func,
    literal_column,
    select,
)

from billing.debits.store import is_mandate
from billing.dunning.model import Cut
from billing.dunning.store import dunning_cut, dunning_notice, dunning_suspension, suspension_from
from billing.flows.settle.facts import Facts, Paid
from billing.invoicing.model import SERIES, number
from billing.invoicing.store import invoice, invoice_line
from billing.payments.model import Debt, MovementKind
from billing.payments.store import (
    INVOICE,
    allocation,
    attempt,
    attempt_from,
    movement,
    movement_from,
    open_item,
    write_off,
)
from billing.rating.model import LineKind
from billing.subscriptions.model import Activation
from billing.subscriptions.store import subscription
from runtime.store import Tx
from runtime.store.among import KEYS, among, by_key, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery, rows_of
from terms.ids import AccountId, InvoiceId
from terms.money import Money

# Invoices with something open, by their accounts.
_OPEN = (open_item.c.id, open_item.c.account_id)


async def take_open(tx: Tx, rest: Mapping[str, list[Any]], facts: dict[AccountId, Facts]) -> None:
    """Take what is open into the facts of the accounts; load more where money goes back."""
    _take_items(rest["items"], facts)
    for row in rest["suspensions"]:
        if row.account_id in facts:
            facts[row.account_id].suspension = suspension_from(row)
    owners = {debt.invoice: one for one in facts.values() for debt in one.debts}
    _take_collection(rest["attempts"], rest["notices"], owners)
    for row in rest["cuts"]:
        owners[row.invoice_id].cuts[InvoiceId(row.invoice_id)] = Cut(
            row.rung, row.cut_on, row.rests
        )
    await _movements(tx, rest["movements"], facts)


def _take_collection(
    attempts: Sequence[Any], notices: Sequence[Any], owners: Mapping[InvoiceId, Facts]
) -> None:
    """Take attempts and notices into the facts of whom their invoices belong to."""
    for row in attempts:
        tries = owners[row.invoice_id].attempts
        tries.setdefault(InvoiceId(row.invoice_id), []).append(
            attempt_from(row, is_debit=bool(row.is_debit))
        )
    for row in notices:
        one = owners[row.invoice_id]
        if _is_forgotten(one, row):
            continue
        given_on = one.account.today(row.given_at)
        one.noticed.setdefault(InvoiceId(row.invoice_id), {})[row.after_days] = given_on


def _is_forgotten(one: Facts, row: Any) -> bool:
    """Whether a notice is from before the account was restored: it is given again."""
    over = one.suspension
    if over is None or over.restored_at is None or row.given_at > over.restored_at:
        return False
    return any(
        debt.invoice == row.invoice_id and debt.sequence <= over.restored_through
        for debt in one.debts
    )


def _take_items(rows: Sequence[Any], facts: dict[AccountId, Facts]) -> None:
    """Take open items into the facts of the accounts."""
    for row in rows:
        rest = Money(row.rest_minor, row.currency)
        one = facts[row.account_id]
        if row.kind == INVOICE:
            key = InvoiceId(row.id)
            one.debts.append(_debt(key, row, rest))
            _begin(one, row, key)
        else:
            one.credits[row.id] = rest


def item_query(engine: Engine) -> Select[Any]:
    """Ask for open invoices and unused money."""
    query = select(open_item, *_begun(engine, open_item.c.id))
    return by_key(engine, query, open_item.c.account_id)


def _firsts(engine: Engine, key: Column[str]) -> ScalarSelect[str]:
    """Name the subscriptions that began with an invoice and had to be paid first."""
    c = invoice_line.c
    begun = and_(subscription.c.id == c.subject, subscription.c.charged_from == c.period_start)
    names = func.group_concat if engine == "sqlite" else func.string_agg
    mine = select(names(c.subject, literal_column("','"))).where(
        c.invoice_id == key,
        c.kind == LineKind.RECURRING.value,
        c.take == 0,  # one that corrects another does not hold anybody up again
        subscription.c.activation == Activation.PAID.value,
    )
    return mine.select_from(invoice_line.join(subscription, begun)).scalar_subquery()


def _short(key: Column[str]) -> ScalarSelect[int]:
    """Tell by how much all that ever paid an invoice falls short of it; what went back counts."""
    part, paper = allocation.alias(), invoice.alias()
    came = select(func.coalesce(func.sum(part.c.amount_minor), 0))
    came = came.where(part.c.invoice_id == paper.c.id, part.c.amount_minor > 0)
    rest = cast(paper.c.total_minor - came.scalar_subquery(), BigInteger)
    return select(rest).where(paper.c.id == key).correlate(key.table).scalar_subquery()


def _begun(engine: Engine, key: Column[str]) -> tuple[Label[Any], Label[Any]]:
    return _firsts(engine, key).label("firsts"), _short(key).label("short_minor")


def _begin(one: Facts, row: Any, key: InvoiceId) -> None:
    if row.firsts:
        one.first |= dict.fromkeys(row.firsts.split(","), key)
        one.short[key] = row.short_minor


def _debt(key: InvoiceId, row: Any, rest: Money) -> Debt:
    return Debt(
        invoice=key,
        number=number(SERIES, row.sequence),
        sequence=row.sequence,
        due_on=row.due_on,
        rest=rest,
        is_fee=bool(row.is_fee),
    )


def _tries() -> Select[Any]:
    return select(attempt, is_mandate(attempt.c.method_id).label("is_debit"))


def attempt_query(engine: Engine) -> Select[Any]:
    """Ask for the attempts to collect open invoices."""
    return by_key(engine, _tries(), attempt.c.invoice_id, via=_OPEN)


def notice_query(engine: Engine) -> Select[Any]:
    """Ask for the notices given about open invoices."""
    c = dunning_notice.c
    return by_key(engine, select(c.invoice_id, c.after_days, c.given_at), c.invoice_id, via=_OPEN)


def cut_query(engine: Engine) -> Select[Any]:
    """Ask for which open invoices a rung of the ladder stands."""
    return by_key(engine, select(dunning_cut), dunning_cut.c.invoice_id, via=_OPEN)


def suspension_query(engine: Engine) -> Select[Any]:
    """Ask for the newest suspensions."""
    return by_key(engine, select(dunning_suspension), dunning_suspension.c.account_id)


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


def movement_query(engine: Engine) -> Select[Any]:
    """Ask for unsettled movements with all others of their charges."""
    fresh = movement.alias("fresh")
    same_charge = and_(movement.c.provider == fresh.c.provider, movement.c.charge == fresh.c.charge)
    query = select(movement).select_from(fresh.outerjoin(movement, same_charge))
    unsettled = query.where(fresh.c.settled_at.is_(None))
    return by_key(engine, unsettled, fresh.c.account_id).distinct()


async def _paid(tx: Tx, keys: dict[str, Any], facts: dict[AccountId, Facts]) -> None:
    sums: dict[tuple[str, str], Paid] = {}
    owners: dict[tuple[str, str], AccountId] = {}
    for row in await _PAID.rows(tx, keys):
        pair = (row.payer_id, row.invoice_id)
        part = Money(row.amount_minor, row.currency)
        owners[pair] = AccountId(row.account_id)
        _begin(facts[owners[pair]], row, InvoiceId(row.invoice_id))
        if pair in sums:
            debt = sums[pair].debt
            sums[pair] = replace(sums[pair], debt=replace(debt, rest=debt.rest + part))
        else:
            debt = _debt(InvoiceId(row.invoice_id), row, part)
            sums[pair] = Paid(payer=row.payer_id, debt=debt)
    for pair, paid in sums.items():
        facts[owners[pair]].paid.append(paid)
    await _collection(tx, {pair[1]: facts[owner] for pair, owner in owners.items()})


async def _collection(tx: Tx, owners: Mapping[str, Facts]) -> None:
    """Load attempts and notices of invoices that may be open again."""
    known = {debt.invoice for one in owners.values() for debt in one.debts}
    mine = {InvoiceId(key): one for key, one in owners.items() if key not in known}
    if mine:
        keys = {KEYS: packed(tx.engine, sorted(mine))}
        attempts, notices = await rows_of(tx, (_ATTEMPTS, keys), (_NOTICES, keys))
        _take_collection(attempts, notices, mine)


_ATTEMPTS = PreparedQuery(lambda engine: _tries().where(among(engine, attempt.c.invoice_id)))
_NOTICES = PreparedQuery(
    lambda engine: select(dunning_notice).where(among(engine, dunning_notice.c.invoice_id))
)


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
            invoice.c.is_fee,
            *_begun(engine, invoice.c.id),
        )
        .select_from(allocation.join(invoice, invoice.c.id == c.invoice_id))
        # What was given up stays so, whichever money goes back.
        .where(among(engine, c.account_id), c.payer_id.not_in(select(write_off.c.id)))
    )


_PAID = PreparedQuery(_paid_query)
