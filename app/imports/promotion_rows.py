"""What a row of promotions.csv means, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping

from app.imports.sheets import PromotionRow
from billing.catalog.model import OfferingKind
from billing.promotions.model import Discount, Scope
from billing.promotions.promotion import Promotion, changed_promotions, misfit, off_of
from terms.errors import Invalid
from terms.money import NO_CURRENCY, Money

# What the fields of a promotion are called in the sheet.
_COLUMNS = {
    "discount.off": "percent",
    "discount.limited_to": "limited_to",
    "discount.periods_max": "periods",
    "discount.until": "ends",
    "until": "until_on",
}


def promotion_of(row: PromotionRow, currency: str) -> Promotion:
    """Make the promotion of a row. Raises Invalid, or ValueError for its amount."""
    amount = Money.parse(row.amount, currency) if row.amount else None
    return Promotion(
        discount=Discount(
            code=row.code,
            off=off_of(row.percent, amount),
            scope=Scope[row.scope.upper()],
            limited_to=frozenset(row.limited_to),
            periods_max=row.periods,
            until=row.ends,
        ),
        name=row.name,
        group=row.group or row.code,
        from_on=row.from_on,
        until_on=row.until_on,
        redeem_max=row.limit,
        account_max=row.limit_account or 1,
        ahead=row.ahead,
    )


def whys(
    row: PromotionRow,
    currency: str,
    kinds: Mapping[str, str],
    known: Mapping[str, Promotion],
    redeemed: Mapping[str, int],
) -> list[tuple[str, str]]:
    """Say what is wrong with a row: of which column, and why.

    Where the operator's currency is not known the import is refused for that; what else is wrong
    is told all the same.
    """
    try:
        one = promotion_of(row, currency or NO_CURRENCY)
    except Invalid as error:
        return [(_COLUMNS.get(error.field, error.field), error.reason)]
    except ValueError as error:
        return [("amount", str(error))]
    whys = [
        misfit(one, name, OfferingKind(kinds[name])) for name in row.limited_to if name in kinds
    ]
    found = [("limited_to", why) for why in whys if why]
    try:
        changed_promotions(known.values(), [one], redeemed)
    except Invalid as error:
        column = error.field.removeprefix(f"promotions.{one.code}").removeprefix(".")
        found.append((column or "code", error.reason))
    return found
