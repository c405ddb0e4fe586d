"""Usage: what a quantity costs, at once and in pieces."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from billing.catalog.usage_price import Tier
from billing.rating import pricing
from billing.rating.increments import beyond, further, outstanding
from billing.rating.pricing import Block
from terms.money import Money
from tests.vectors.reading import (
    EUR,
    Unsupported,
    Vector,
    many,
    money,
    number,
    percent,
    text,
    whole,
)
from tests.vectors.registry import Found, maps

NOTHING = Fraction(0)


def _upto(name: str) -> Fraction | None:
    """Read the end of "0-100" or "201+"; the latter has none."""
    if name.endswith("+"):
        return None
    return number(name.partition("-")[2])


def tier(row: Any) -> Tier:
    """Read a tier: [upto, unit], [from, upto, unit, flat], ["0-100", unit, flat], or fields."""
    if isinstance(row, Mapping):
        unknown = set(row).difference({"upto", "unit", "flat"})
        if unknown:
            raise Unsupported(f"tiers have no {sorted(unknown)}")
        end, unit, flat = row.get("upto"), row.get("unit", 0), row.get("flat", 0)
        return Tier(upto=_end(end), unit=number(unit), flat=number(flat))
    if isinstance(row[0], str) and ("-" in row[0] or row[0].endswith("+")):
        name, unit, *flat = row
        return Tier(upto=_upto(name), unit=number(unit), flat=_flat(flat))
    end, unit, *flat = row[1:] if len(row) == 4 else row
    return Tier(upto=_end(end), unit=number(unit), flat=_flat(flat))


def _end(value: Any) -> Fraction | None:
    return None if value is None else number(value)


def _flat(values: list[Any]) -> Fraction:
    return number(values[0]) if values else NOTHING


def _share_tier(row: Any) -> Tier:
    """Read a tier of ["0-10", flat, "1%"]."""
    name, flat, rate = row
    return Tier(upto=_upto(name), unit=percent(rate).share, flat=number(flat))


def block(row: Any) -> Block:
    """Read a tier of packages."""
    return Block(
        size=whole(row["block"]), blocks_max=whole(row["max_blocks"]), price=number(row["price"])
    )


@maps("usage.graduated", "units tiers")
def graduated(vector: Vector) -> Found:
    """Each unit costs what its tier says."""
    units = vector.given.read("units", number)
    tiers = vector.given.read("tiers", many(tier))
    amount = pricing.graduated(units, tiers)
    lines = pricing.graduated_by_tier(units, tiers)
    return {"amount": amount, "total": amount, "lines": lines}


@maps("usage.volume", "units tiers")
def volume(vector: Vector) -> Found:
    """All units cost what the tier says that they reach."""
    units = vector.given.read("units", number)
    return {"amount": pricing.volume(units, vector.given.read("tiers", many(tier)))}


@maps("usage.graduated_vs_volume", "units tiers")
def graduated_vs_volume(vector: Vector) -> Found:
    """The same tiers, by the unit and by the reach."""
    units = vector.given.read("units", number)
    tiers = vector.given.read("tiers", many(tier))
    return {
        "graduated": pricing.graduated(units, tiers),
        "volume": pricing.volume(units, tiers),
    }


@maps("usage.graduated_percentage", "volume tiers")
def graduated_percentage(vector: Vector) -> Found:
    """A share of what lies in each tier."""
    tiers = vector.given.read("tiers", many(_share_tier))
    return {"amount": pricing.graduated(vector.given.read("volume", number), tiers)}


@maps("usage.percentage", "volume rate_pct free_volume events free_events fixed")
def percentage(vector: Vector) -> Found:
    """A share of what is above the free volume, and an amount for each event not free."""
    given = vector.given
    amount = pricing.percentage(
        given.read("volume", number),
        rate=given.read("rate_pct", percent).share,
        free_volume=given.read("free_volume", number),
        events=given.read("events", whole),
        free_events=given.read("free_events", whole),
        per_event=given.read("fixed", number),
    )
    return {"amount": amount}


@maps("usage.package", "units package price free_units")
def package(vector: Vector) -> Found:
    """A package that is begun counts, after the free units."""
    given = vector.given
    amount = pricing.package(
        given.read("units", number),
        size=given.read("package", number),
        price=given.read("price", number),
        free=given.read("free_units", number),
    )
    return {"amount": amount}


@maps("usage.package.split", "before units package price")
def split_package(vector: Vector) -> Found:
    """A package is begun once, however often its period is rated."""
    given = vector.given
    size, price = given.read("package", number), given.read("price", number)

    def cost(units: pricing.Number) -> Fraction:
        return pricing.package(units, size=size, price=price)

    return {"new_amount": further(cost, given.read("before", number), given.read("units", number))}


@maps("usage.free_units.split", "free cases")
def split_free_units(vector: Vector) -> Found:
    """Free units are free once, however often their period is rated."""
    free = vector.given.read("free", number)
    cases = vector.given.read("cases", many(many(number)))
    return {"billable": [beyond(free, before, units) for before, units in cases]}


@maps("usage.blocks", "units tiers")
def blocks(vector: Vector) -> Found:
    """Packages tier by tier."""
    units = vector.given.read("units", whole)
    return {"amount": pricing.blocks(units, vector.given.read("tiers", many(block)))}


@maps("usage.blocks.top_tier", "units tiers")
def top_blocks(vector: Vector) -> Found:
    """All packages cost what the tier says that they reach."""
    units = vector.given.read("units", whole)
    return {"amount": pricing.top_blocks(units, vector.given.read("tiers", many(block)))}


@maps("usage.idempotent", "units price already_billed")
def rated_again(vector: Vector) -> Found:
    """What is rated again adds nothing below a minor unit."""
    given = vector.given
    cost = pricing.graduated(given.read("units", number), [Tier(unit=given.read("price", number))])
    rest = outstanding(Money.of(cost, EUR), given.read("already_billed", money))
    return {"new_lines": len([] if rest is None else [rest])}


@maps("tiers.graduated", "seats base_cents tiers")
def seats(vector: Vector) -> Found:
    """Seats tier by tier, on top of an amount that the first tier carries."""
    given = vector.given
    first, *others = given.read("tiers", many(_seat_tier))
    entry = Tier(upto=first.upto, unit=first.unit, flat=given.read("base_cents", number))
    return {"total_cents": pricing.graduated(given.read("seats", number), [entry, *others])}


def _seat_tier(row: Any) -> Tier:
    name, unit = row
    return Tier(upto=_upto(text(name)), unit=number(unit))
