"""Refunds that wait for a second person, of all households; how much one gives back alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select

from billing.accounts.store import account, customer, service
from billing.payments.refunds import Alone, RefundState
from billing.payments.store import load_alone, refund
from runtime.store import Tx
from terms.money import Money

LIMIT_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRefund:
    """A refund that waits, of one payment or, out of a wallet, of so many. `line` is credited."""

    id: str
    contract: str
    name: str
    at: datetime
    asked_by: str
    provider: str
    payment: str
    payments: int
    amount: Money
    line: str
    pay_out: bool
    reason: str
    reference: str


async def waiting(tx: Tx, *, limit: int = 50, after: str = "") -> list[WaitingRefund]:
    """List refunds that wait for a second person, the oldest first, perhaps behind one."""
    c = refund.c
    whole = case((c.pay_out == "", c.id), else_=c.pay_out)
    first = func.min(c.id)
    rows = (
        select(
            first.label("id"),
            func.count().label("parts"),
            func.sum(c.amount_minor).label("total_minor"),
        )
        .where(c.state == RefundState.WAITING.value)
        .group_by(c.account_id, whole)
        .having(first > after)
        .order_by(first)
        .limit(min(limit, LIMIT_MAX))
        .subquery()
    )
    contract = select(func.min(service.c.contract)).where(service.c.account_id == c.account_id)
    query = (
        select(refund, rows.c.parts, rows.c.total_minor)
        .add_columns(customer.c.name, contract.scalar_subquery().label("contract"))
        .select_from(
            rows.join(refund, c.id == rows.c.id)
            .join(account, account.c.id == c.account_id)
            .join(customer, customer.c.id == account.c.customer_id)
        )
        .order_by(c.id)
    )
    return [
        WaitingRefund(
            id=row.id,
            contract=row.contract,
            name=row.name,
            at=row.asked_at,
            asked_by=row.asked_by,
            provider=row.provider,
            payment=row.charge,
            payments=row.parts,
            amount=Money(int(row.total_minor), row.currency),
            line=row.line,
            pay_out=bool(row.pay_out),
            reason=row.reason,
            reference=row.pay_out or row.reference,
        )
        for row in await tx.rows(query)
    ]


async def asked(tx: Tx, keys: Collection[str]) -> Mapping[str, tuple[str, datetime]]:
    """Tell who asked for some refunds, of those that wait, and when in machine time."""
    c = refund.c
    query = select(c.id, c.asked_by, func.coalesce(c.noted_at, c.asked_at).label("at"))
    query = query.where(c.id.in_(sorted(keys)), c.state == RefundState.WAITING.value)
    return {row.id: (row.asked_by, row.at) for row in await tx.rows(query)}


async def alone(tx: Tx) -> Alone:
    """Tell how much one person gives back alone."""
    return await load_alone(tx)
