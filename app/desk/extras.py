"""What a household has beside its subscriptions: what it has used, its points, its promotions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.desk.shopping import Counter
from billing.flows.desk import Catalogue
from billing.loyalty.model import Program
from billing.reads import loyalty, promotions, usage
from billing.reads.loyalty import LoyaltyView
from billing.reads.promotions import RedemptionView
from billing.reads.usage import TotalView
from billing.tax.assessment import Taxable, Where
from runtime.store import Tx
from terms.calendar import Period
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What was used of a meter in the running period, and what that costs so far with its tax.

    The period is not known before anything is used.
    """

    name: str
    meter: str
    quantity: str
    period: Period | None
    cost: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """All of it; `worth` is what the points come to as credit."""

    used: Sequence[Used]
    loyalty: LoyaltyView
    worth: Money
    program: Program
    promotions: Sequence[RedemptionView]


async def extras(tx: Tx, at: Counter) -> Extras:
    """Gather it."""
    catalogue, buyer = at.catalogue, at.buyer
    totals = await usage.running(tx, buyer.service, at.today)
    metered = await usage.metered(tx, buyer.service, at.today)
    points = await loyalty.of_account(tx, buyer.account)
    unused = set(metered) - {one.offering for one in totals}
    return Extras(
        used=[
            *(_used(one, catalogue, at.where) for one in totals),
            *(_unused(code, catalogue, buyer.currency) for code in sorted(unused)),
        ],
        loyalty=points,
        worth=Money(points.points or 0, buyer.currency),
        program=catalogue.program,
        promotions=await promotions.of_account(tx, buyer.account),
    )


def _used(one: TotalView, catalogue: Catalogue, where: Where) -> Used:
    book = catalogue.book
    offering = book.offering(one.offering)
    price = book.price_on(one.offering, one.cost.currency, one.period_start)
    taxed = Taxable(offering.tax, one.cost.amount_minor, price.included)
    return Used(
        name=offering.name,
        meter=one.meter,
        quantity=one.quantity,
        period=Period(one.period_start, one.period_end),
        cost=catalogue.taxes.gross(taxed, where),
    )


def _unused(code: str, catalogue: Catalogue, currency: str) -> Used:
    offering = catalogue.book.offering(code)
    return Used(
        name=offering.name,
        meter=offering.terms.meter,
        quantity="0",
        period=None,
        cost=Money(0, currency),
    )
