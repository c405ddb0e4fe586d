"""What may not be said any more: prices, rates and sellers of the past, times without a tax."""

from __future__ import annotations

from datetime import date

from app.imports.check import Known
from app.imports.folder import Folder
from app.imports.operator import FILE as OPERATOR
from app.imports.problems import Problems
from app.imports.sellers import check_sellers
from app.imports.sheets import PriceRow, TaxRow
from billing.catalog.model import Price, changed_prices
from billing.catalog.tiers import read_tiers
from billing.tax.levels import Inclusive
from billing.tax.model import TaxRate, TaxTable, abroad, changed_rates, named
from terms.errors import Invalid
from terms.money import Money


def rate_of(row: TaxRow, country: str) -> TaxRate:
    """Give the rate a row says."""
    return TaxRate(
        tax=row.tax,
        effective_from=row.effective_from,
        rate=row.rate,
        jurisdiction=abroad(row.jurisdiction, country),
    )


def price_of(row: PriceRow) -> Price:
    """Give the price a row says."""
    return Price(
        offering=row.offering,
        effective_from=row.effective_from,
        amount=Money.parse(row.amount, row.currency),
        deposit_minor=Money.parse(row.deposit or "0", row.currency).amount_minor,
        lost_fee_minor=Money.parse(row.lost_fee or "0", row.currency).amount_minor,
        usage=row.usage,
        minimum_minor=Money.parse(row.minimum or "0", row.currency).amount_minor,
        tiers=read_tiers(row.tiers, row.currency),
        bundled_minor=(
            Money.parse(row.bundled, row.currency).amount_minor if row.bundled else None
        ),
        included=Inclusive(row.includes_tax) if row.includes_tax else None,
    )


def check_times(folder: Folder, known: Known, problems: Problems) -> None:
    """Note what would change the past or leave a gap, and take those rows out of the folder."""
    country = folder.operator.business.country if folder.operator else known.country
    if folder.operator is not None:
        told = folder.operator.sellers
        check_sellers(told, known.sellers, known.today, problems, OPERATOR)
    taxes, prices = [], []
    for rate in folder.taxes:
        try:
            changed_rates(known.rates, [rate_of(rate, country)], known.today)
            taxes.append(rate)
        except Invalid as error:
            problems.add("taxes.csv", error.reason, row=rate.line, field="effective_from")
    for price in folder.prices:
        try:
            changed_prices(known.book, [price_of(price)], known.today)
            prices.append(price)
        except Invalid as error:
            problems.add("prices.csv", error.reason, row=price.line, field="effective_from")
    folder.taxes, folder.prices = taxes, prices
    table = TaxTable.of({*known.rates, *(rate_of(row, country) for row in taxes)})
    _gaps(folder, known, table, problems)


def _gaps(folder: Folder, known: Known, table: TaxTable, problems: Problems) -> None:
    """Note offerings that are sold before their tax has a rate, or where it never has one."""
    begins: dict[str, date] = {}
    for price in folder.prices:
        held = begins.setdefault(price.offering, price.effective_from)
        begins[price.offering] = min(held, price.effective_from)
    for row in folder.offerings:
        sold = [price.effective_from for price in known.book.all_prices(row.code)]
        first = min([*sold, begins.get(row.code, date.max)])
        if why := _gap(row.tax, max(first, known.today), table):
            problems.add("offerings.csv", why, row=row.line, field="tax")


def _gap(tax: str, day: date, table: TaxTable) -> str:
    for jurisdiction in sorted(table.jurisdictions):
        rates = table.rates_of(tax, jurisdiction)
        name = named(tax, jurisdiction)
        if not rates:
            return f"{name} has no rate: say 0% where it is not raised"
        if rates[0].effective_from > day:
            return f"{name} has no rate on {day}, when this is sold"
    return ""
