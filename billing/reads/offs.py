"""What promotions take off the lines of invoices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from billing.invoicing.discounts import Part, invoice_discount, parts_from
from billing.promotions.store import promotion, redemption
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OffView:
    """What a promotion takes off a line: `off` its rate, and so `amount` off what it charges."""

    promotion: str
    name: str
    off: Money
    amount: Money


async def of_lines(tx: Tx, currencies: Mapping[str, str]) -> dict[tuple[str, int], list[OffView]]:
    """Read what was taken off lines, by invoice and number; nothing is asked about no invoice.

    `currencies` names the invoices that have discounted lines, each with its currency.
    """
    found: dict[tuple[str, int], list[OffView]] = {}
    if currencies:
        for row in await _OFFS.rows(tx, {KEYS: packed(tx.engine, sorted(currencies))}):
            for part in parts_from(row.parts):
                off = _off(row, part, currencies[row.invoice_id])
                found.setdefault((row.invoice_id, part.n), []).append(off)
    return found


def _taken_off(engine: Engine) -> Select[Any]:
    off = invoice_discount.c
    joined = invoice_discount.join(redemption, redemption.c.id == off.redemption_id).join(
        promotion, promotion.c.code == redemption.c.promotion
    )
    return (
        select(off.invoice_id, off.parts, promotion.c.code, promotion.c.name)
        .select_from(joined)
        .where(among(engine, off.invoice_id))
        .order_by(off.invoice_id, off.redemption_id, off.ends_on)
    )


def _off(row: Any, part: Part, currency: str) -> OffView:
    return OffView(
        promotion=row.code,
        name=row.name,
        off=Money(part.off_minor, currency),
        amount=Money(part.amount_minor, currency),
    )


_OFFS = PreparedQuery(_taken_off)
