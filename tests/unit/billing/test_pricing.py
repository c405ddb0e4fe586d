"""Charge models: what a quantity costs, against what other systems publish."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rating import pricing
from billing.rating.pricing import Block, Tier
from tests.unit.billing.vectors import of_area, vector


def fraction(text: object) -> Fraction:
    """Read a number exactly, per cent too."""
    word = str(text)
    return Fraction(word[:-1]) / 100 if word.endswith("%") else Fraction(word)


def tiers(rows: list[list[object]]) -> list[Tier]:
    """Read tiers as [upto, unit, flat] or [from, upto, unit, flat]; the last has no end."""
    found = []
    for row in rows:
        upto, unit, *flat = row[1:] if len(row) == 4 else row
        found.append(
            Tier(
                upto=None if upto is None else fraction(upto),
                unit=fraction(unit),
                flat=fraction(flat[0] if flat else 0),
            )
        )
    return found


def named(rows: list[list[str]], *, unit: int, flat: int) -> list[Tier]:
    """Read tiers whose first column is "0-100" or "201+"."""
    return [
        Tier(
            upto=None if row[0].endswith("+") else Fraction(row[0].partition("-")[2]),
            unit=fraction(row[unit]),
            flat=fraction(row[flat]),
        )
        for row in rows
    ]


@pytest.mark.parametrize("key", [key for key in of_area("usage.graduated") if "LG" in key])
def test_graduated(key: str):
    """Each unit costs what its tier says, and a tier that is entered its flat amount."""
    given_, expected = vector(key)
    assert pricing.graduated(given_["units"], tiers(given_["tiers"])) == fraction(
        expected["amount"]
    )


def test_graduated_by_tier():
    """OM-I01: flat and unit tiers in a row cost 100, 50, 25 and 7."""
    given_, expected = vector("OM-I01")
    rows = [
        Tier(
            upto=Fraction(row["upto"]) if "upto" in row else None,
            unit=Fraction(row.get("unit", 0)),
            flat=Fraction(row.get("flat", 0)),
        )
        for row in given_["tiers"]
    ]
    found = pricing.graduated_by_tier(given_["units"], rows)
    assert found == [Fraction(each) for each in expected["lines"]]
    assert sum(found) == Fraction(expected["total"])


@pytest.mark.parametrize("key", of_area("usage.graduated_percentage"))
def test_graduated_percentage(key: str):
    """A share of what lies in each tier, and its flat amount."""
    given_, expected = vector(key)
    rows = named(given_["tiers"], unit=2, flat=1)
    assert pricing.graduated(given_["volume"], rows) == fraction(expected["amount"])


@pytest.mark.parametrize("key", of_area("usage.volume"))
def test_volume(key: str):
    """All units cost what the tier says that they reach; what lies between belongs to the next."""
    given_, expected = vector(key)
    rows = given_["tiers"]
    is_named = isinstance(rows[0][0], str)
    found = named(rows, unit=1, flat=2) if is_named else tiers(rows)
    assert pricing.volume(fraction(given_["units"]), found) == fraction(expected["amount"])


def test_graduated_against_volume():
    """ZP-I01: the same tiers cost 600 by the unit and 150 by the reach."""
    given_, expected = vector("ZP-I01")
    rows = tiers(given_["tiers"])
    assert pricing.graduated(given_["units"], rows) == fraction(expected["graduated"])
    assert pricing.volume(given_["units"], rows) == fraction(expected["volume"])


@pytest.mark.parametrize("key", of_area("usage.package"))
def test_package(key: str):
    """A package that is begun counts, after the free units."""
    given_, expected = vector(key)
    found = pricing.package(
        given_["units"],
        size=given_["package"],
        price=given_["price"],
        free=given_["free_units"],
    )
    assert found == expected["amount"]


def test_a_package_is_begun_once():
    """OM-I02: five units behind seventeen begin one package more of ten, and no other."""
    given_, expected = vector("OM-I02")
    size, before, units = given_["package"], given_["before"], given_["units"]
    fresh = pricing.packages(before + units, size=size) - pricing.packages(before, size=size)
    assert fresh * Fraction(given_["price"]) == Fraction(expected["new_amount"])


@pytest.mark.parametrize("key", of_area("usage.blocks"))
def test_blocks(key: str):
    """Packages tier by tier."""
    given_, expected = vector(key)
    assert pricing.blocks(given_["units"], blocks(given_["tiers"])) == fraction(expected["amount"])


@pytest.mark.parametrize("key", of_area("usage.blocks.top_tier"))
def test_top_blocks(key: str):
    """All packages cost what the tier says that they reach."""
    given_, expected = vector(key)
    assert pricing.top_blocks(given_["units"], blocks(given_["tiers"])) == fraction(
        expected["amount"]
    )


def blocks(rows: list[dict[str, object]]) -> list[Block]:
    """Read tiers of packages."""
    return [
        Block(
            size=int(str(row["block"])),
            blocks_max=int(str(row["max_blocks"])),
            price=fraction(row["price"]),
        )
        for row in rows
    ]


def test_percentage():
    """LG-R1: a share of what is above the free volume, and an amount for each event not free."""
    given_, expected = vector("LG-I-R1")
    found = pricing.percentage(
        given_["volume"],
        rate=fraction(given_["rate_pct"]) / 100,
        free_volume=given_["free_volume"],
        events=given_["events"],
        free_events=given_["free_events"],
        per_event=fraction(given_["fixed"]),
    )
    assert found == fraction(expected["amount"])


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 1000), st.integers(0, 99))
def test_cut_usage_begins_no_package_twice(before: int, more: int, size: int, free: int):
    """Rated together or one after the other, the same packages are begun."""
    first = pricing.packages(before, size=size, free=free)
    both = pricing.packages(before + more, size=size, free=free)
    assert 0 <= both - first <= -(-more // size) + 1
    assert both == pricing.packages(before + more, size=size, free=free)


@given(st.fractions(0, 10**6), st.fractions(0, 10**6))
def test_more_never_costs_less_by_the_unit(one: Fraction, other: Fraction):
    """Graduated prices rise with the quantity, whatever the tiers cost."""
    rows = [
        Tier(upto=Fraction(10), unit=Fraction(3), flat=Fraction(1)),
        Tier(upto=Fraction(50), unit=Fraction(1, 3)),
        Tier(unit=Fraction(0)),
    ]
    less, more = sorted((one, other))
    assert pricing.graduated(less, rows) <= pricing.graduated(more, rows)
