"""What the usage of a period costs by its price: a total is rated as a whole, whenever. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from billing.catalog.usage_price import PriceModel, UsagePrice
from billing.rating.pricing import Number, graduated, package, percentage, volume
from terms.money import Money


def cost(price: UsagePrice, quantity: Number, events: int) -> Fraction:
    """Tell what a quantity in so many records costs, exactly, in whole units of the currency."""
    if price.model is PriceModel.GRADUATED:
        return graduated(quantity, price.tiers)
    if price.model is PriceModel.VOLUME:
        return volume(quantity, price.tiers)
    if price.model is PriceModel.PACKAGE:
        return package(quantity, size=price.size, price=price.price, free=price.free)
    return percentage(
        quantity,
        rate=price.share,
        free_volume=price.free,
        events=events,
        free_events=price.free_events,
        per_event=price.per_event,
    )


def rated(price: UsagePrice, quantity: Number, events: int, currency: str) -> Money:
    """Tell what a quantity costs, rounded half up once."""
    return Money.of(cost(price, quantity, events), currency)


def again(record: Mapping[str, Any], currency: str) -> Money:
    """Rate a usage charge again by its own record: what its total came to more than was billed."""
    price, quantity = UsagePrice.parse(record["usage"]), Fraction(record["quantity"])
    whole = rated(price, quantity, record["events"], currency)
    cost = beyond(whole, Money(record["committed_minor"], currency))
    return cost - Money(record["billed_minor"], currency)


def beyond(total: Money, committed: Money) -> Money:
    """Tell what a total costs beyond what was committed and is charged anyhow; never below zero."""
    return max(total - committed, Money(0, total.currency))
