"""What a household has beside its subscriptions: what it has used, its points, its promotions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.wiring import House
from billing.flows.desk import Catalogue
from billing.loyalty.model import Program
from billing.reads import loyalty, promotions, usage
from billing.reads.account import AccountView
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


async def extras(house: House, tx: Tx, about: AccountView, today: date) -> Extras:
    """Gather it; `today` is the household's."""
    catalogue = await house.desk.shelf.newest(tx)
    totals = await usage.running(tx, about.service.id, today)
    points = await loyalty.of_account(tx, about.id)
    where = Where(about.currency, today, about.jurisdiction)
    return Extras(
        used=[
            *(_used(one, catalogue, where) for one in totals),
            *_unused(about, catalogue, today, {one.offering for one in totals}),
        ],
        loyalty=points,
        worth=Money(points.points or 0, about.currency),
        program=catalogue.program,
        promotions=await promotions.of_account(tx, about.id),
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


def _unused(
    about: AccountView, catalogue: Catalogue, today: date, used: set[str]
) -> Sequence[Used]:
    """List what is metered and was not used yet."""
    running = (
        one
        for one in about.subscriptions
        if one.from_on <= today and (one.until_on is None or one.until_on > today)
    )
    return [
        Used(name=one.name, meter=meter, quantity="0", period=None, cost=Money(0, about.currency))
        for one in running
        if one.offering not in used and (meter := catalogue.book.offering(one.offering).terms.meter)
    ]
