"""Sums over everything, for the first page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from billing.payments.store import INVOICE, open_item
from billing.reads.accounts import TOPIC
from runtime.log import snapshot
from runtime.store import Tx
from terms.entitlement import ServiceState
from terms.money import Money

STATE_CHARS_MAX = max(len(state.value) for state in ServiceState)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """`services` counts by published state, `open` are sums per currency."""

    services: Mapping[ServiceState, int]
    open: tuple[Money, ...]


async def totals(tx: Tx) -> Totals:
    """Count and add up."""
    return Totals(
        services={ServiceState(k): n for k, n in (await _states(tx)).items()},
        open=await _open(tx),
    )


async def _states(tx: Tx) -> dict[str, int]:
    """Count the published entitlements by their state, which stands in their text.

    No text in it can look like the mark: quotes in texts have a backslash before them.
    """
    value, mark = snapshot.c.value, '"state":"'
    place = func.instr(value, mark) if tx.engine == "sqlite" else func.strpos(value, mark)
    begins = func.substr(value, place + len(mark), STATE_CHARS_MAX + 1).label("begins")
    query = select(begins, func.count().label("n")).where(snapshot.c.topic == TOPIC)
    counts = Counter({state.value: 0 for state in ServiceState})
    for row in await tx.rows(query.group_by(begins)):
        counts[row.begins.partition('"')[0]] += int(row.n)
    return counts


async def _open(tx: Tx) -> tuple[Money, ...]:
    c = open_item.c
    total = func.sum(c.rest_minor).label("total")
    query = select(c.currency, total).where(c.kind == INVOICE).group_by(c.currency)
    rows = await tx.rows(query.order_by(c.currency))
    return tuple(Money(int(row.total), row.currency) for row in rows)
