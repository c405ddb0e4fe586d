"""Discounts before tax: who bears them, in which order, and what is taxed then."""

from __future__ import annotations

from typing import Any

from billing.promotions.model import Discount, Discounted, Item, Scope, Spread, discounted
from billing.tax.levels import Level, Split, taxes
from terms.money import Money, Rate, total
from tests.vectors.policies import tax_level
from tests.vectors.reading import EUR, Unsupported, Vector, cents, many, money, percent, text, whole
from tests.vectors.registry import Found, maps

ALL = "all"


def taxed_line(row: Any) -> tuple[Money, Rate]:
    """Read ["100.00", "10"] as an amount and the rate of its tax."""
    amount, rate = row
    return money(amount), percent(rate)


def _fixed(amounts: list[Money]) -> list[Discount]:
    return [Discount(code=f"C{n}", off=amount) for n, amount in enumerate(amounts)]


def _items(amounts: list[Money], plans: list[str]) -> list[Item]:
    return [
        Item(offering=f"line {n}", plan=plan, amount=amount)
        for n, (amount, plan) in enumerate(zip(amounts, plans, strict=True))
    ]


def _taxes(found: Discounted, rates: list[Rate], level: Level) -> list[Money]:
    return taxes(list(zip(rates, found.nets, strict=True)), EUR, level)


def _taken(vector: Vector, amounts: list[Money]) -> Found:
    """Take amounts off lines, and tax what is left of them."""
    lines = vector.given.read("lines", many(taxed_line))
    costs, rates = [amount for amount, _ in lines], [rate for _, rate in lines]
    found = discounted(_items(costs, ["P" for _ in costs]), _fixed(amounts), EUR)
    tax = total(_taxes(found, rates, tax_level(vector)), EUR)
    return {
        "line_discounts": found.offs,
        "line_tax": _taxes(found, rates, Level.LINE),
        "discount": found.off,
        "subtotal": found.net,
        "tax": tax,
        "total": Split(found.net, tax).total,
    }


@maps("tax.discount_before_tax", "lines coupon")
def before_tax(vector: Vector) -> Found:
    """A fixed amount is spread over all lines in proportion, before tax."""
    return _taken(vector, [vector.given.read("coupon", money)])


@maps("discount.cap", "lines coupons")
def capped(vector: Vector) -> Found:
    """Whatever is taken off, nothing falls below zero."""
    return _taken(vector, vector.given.read("coupons", many(money)))


@maps("tax.rounding_level", "lines_cents tax_pct plan coupons")
def levels(vector: Vector) -> Found:
    """The same lines have three taxes, by line, by rate and in all."""
    given = vector.given
    plans = given.read("plan", many(text))
    items = _items(given.read("lines_cents", many(cents)), plans)
    coupons = given.read("coupons", many(lambda row: _coupon(row, items)))
    found = discounted(items, coupons, EUR, Spread.FINE)
    rates = given.read("tax_pct", many(percent))
    line, group, document = (_taxes(found, rates, level) for level in Level)
    in_all = total(document, EUR)
    return {
        "line_discount_cents": list(found.taken),
        "line_tax_cents": [tax.amount_minor for tax in line],
        "subtotal_cents": found.net.amount_minor,
        "tax_cents_lago": in_all.amount_minor,
        "total_cents_lago": Split(found.net, in_all).total.amount_minor,
        "tax_if_summed_from_rounded_lines": total(line, EUR).amount_minor,
        "tax_if_rounded_per_rate_group": total(group, EUR).amount_minor,
    }


def _coupon(row: Any, items: list[Item]) -> Discount:
    """Read a coupon: of all lines, of all lines of one plan, or of some lines."""
    if set(row) != {"cents", "lines"}:
        raise Unsupported(f"a coupon of {sorted(row)}")
    off = cents(row["cents"])
    if row["lines"] == ALL:
        return Discount(code="C", off=off)
    borne = [items[whole(n)] for n in row["lines"]]
    plans = {item.plan for item in borne}
    if [item for item in items if item.plan in plans] == borne:
        return Discount(code="C", off=off, scope=Scope.PLAN, limited_to=frozenset(plans))
    named = frozenset(item.offering for item in borne)
    return Discount(code="C", off=off, scope=Scope.LINE, limited_to=named)
