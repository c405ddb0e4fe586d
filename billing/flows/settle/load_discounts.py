"""Loads the promotions of accounts that have some, and what these took off as far as it matters.

Of a promotion for so many periods every line that bore it counts; of a fixed amount those of
periods in which something may still be charged. Nothing is asked where no account has any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Date, Select, and_, bindparam, or_, select

from billing.accounts.model import Perk
from billing.flows.settle.alike import Found
from billing.flows.settle.facts import Borne, Facts, Redeemed
from billing.invoicing.discounts import invoice_discount, parts_from
from billing.invoicing.store import invoice_line
from billing.promotions.promotion import Promotion
from billing.promotions.store import promotion, redemption, redemption_from
from runtime.store import Tx
from runtime.store.among import KEYS, by_key, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.calendar import Period, days_after
from terms.ids import AccountId


async def load_redeemed(tx: Tx, found: Found) -> None:
    """Find what accounts have redeemed, where any has."""
    having = sorted({row.id for row in found.accounts if row.perks & Perk.DISCOUNT})
    if having:
        since = min(_open_days(found), default=date.max)
        given = {KEYS: packed(tx.engine, having), "since": since}
        found.redeemed = await _REDEEMED.rows(tx, given)


def take_discounts(
    rows: Sequence[Any],
    facts: Mapping[AccountId, Facts],
    promotions: Mapping[str, Promotion],
) -> None:
    """Take what was redeemed into the facts of the accounts."""
    for key, mine in groupby(sorted(rows, key=_owner), key=_owner):
        facts[AccountId(key)].redeemed = _redeemed(list(mine), promotions)


_owner = attrgetter("account_id")


def _open_days(found: Found) -> Iterator[date]:
    """List days before which nothing of an account can be charged any more."""
    for each in (*found.services, *found.rentals):
        if each.reopened_from:
            yield each.reopened_from
        day = each.charged_until or each.charged_from
        if day and (each.until_on is None or day < each.until_on):
            yield day


def _redeemed(rows: Sequence[Any], promotions: Mapping[str, Promotion]) -> Redeemed:
    found = {row.id: redemption_from(row, promotions) for row in rows}
    ordered = sorted(found.values(), key=lambda one: (one.promotion.discount.scope, one.id))
    return Redeemed(
        redemptions=ordered,
        paid_ahead={
            one.subject: days_after(one.until_on, -1)
            for one in ordered
            if one.subject and one.until_on
        },
        borne=list(_borne(rows)),
    )


def _borne(rows: Sequence[Any]) -> Iterator[Borne]:
    """Tell what lines have borne; there is a row for each line of an invoice that has such."""
    for row in rows:
        for part in parts_from(row.parts) if row.parts else ():
            if part.n == row.line_n:
                period = Period(row.period_start, row.period_end)
                yield Borne(row.id, row.line_subject, period, row.ends_on, part.off_minor)


def _redeemed_query(engine: Engine) -> Select[Any]:
    r, off, line = redemption.c, invoice_discount.c, invoice_line.c
    matters = or_(
        promotion.c.periods_max.is_not(None),
        and_(
            promotion.c.amount_minor.is_not(None),
            off.ends_on > bindparam("since", type_=Date),
        ),
    )
    joined = (
        redemption.join(promotion, promotion.c.code == r.promotion)
        .outerjoin(invoice_discount, and_(off.redemption_id == r.id, matters))
        .outerjoin(invoice_line, line.invoice_id == off.invoice_id)
    )
    query = select(
        redemption,
        off.ends_on,
        off.parts,
        line.n.label("line_n"),
        line.subject.label("line_subject"),
        line.period_start,
        line.period_end,
    ).select_from(joined)
    return by_key(engine, query, r.account_id, order_by=("id",))


_REDEEMED = PreparedQuery(_redeemed_query)
