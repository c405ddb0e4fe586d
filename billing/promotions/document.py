"""Promotions in the document of a catalogue: the rows of its fourth table. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from billing.catalog.document import Document, Row, told
from billing.promotions.promotion import Promotion
from terms.money import Money


def written(promotions: Iterable[Promotion]) -> Document:
    """Write promotions, by code."""
    by_code = sorted(promotions, key=lambda one: one.code)
    return {"promotions": [_promotion(one) for one in by_code]}


def _promotion(one: Promotion) -> Row:
    discount, off = one.discount, one.discount.off
    return told(
        {
            "code": one.code,
            "name": one.name,
            "percent": "" if isinstance(off, Money) else str(off),
            "amount": off.plain if isinstance(off, Money) else "",
            "scope": discount.scope.name.lower(),
            "limited_to": sorted(discount.limited_to),
            "periods": str(discount.periods_max or ""),
            "group": "" if one.group == one.code else one.group,
            "from_on": one.from_on.isoformat(),
            "until_on": one.until_on.isoformat() if one.until_on else "",
            "ends": discount.until.isoformat() if discount.until else "",
            "limit": str(one.redeem_max or ""),
            "limit_account": str(one.account_max) if one.account_max > 1 else "",
            "ahead": str(one.ahead or ""),
        }
    )
