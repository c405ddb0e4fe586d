"""The files of both operators agree with each other, and the values worked out by hand add up."""

import csv
import json
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest

from terms.calendar import days_after, period_containing
from tests.demo.telling import HARBOUR, TERRACE

OPERATORS = pytest.mark.parametrize("folder", [HARBOUR, TERRACE], ids=lambda path: path.name)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    """Read a CSV file of an operator."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def state(folder: Path, name: str) -> dict:
    """Read a simulator's state file of an operator."""
    return json.loads((folder / "simulators" / f"{name}.json").read_text("utf-8"))


def story(folder: Path) -> dict:
    """Read what must be true in an operator's story."""
    return tomllib.loads((folder / "story.toml").read_text("utf-8"))


def half_up(amount: Fraction) -> int:
    """Round half up."""
    return int(amount + Fraction(1, 2))


def minor(text: str) -> int:
    """Read an amount of the files as minor units."""
    return int(text.replace(".", ""))


class Prices:
    """The prices of an operator, in minor units, and its one tax."""

    def __init__(self, folder: Path) -> None:
        self.of = {row["offering"]: minor(row["amount"]) for row in rows(folder, "prices")}
        (rate,) = rows(folder, "taxes")
        self.tax = Fraction(int(rate["rate"].rstrip("%")), 100)
        (rental,) = [r["code"] for r in rows(folder, "offerings") if r["kind"] == "rental"]
        self.rental = rental

    def total(self, offerings: list[str], share: Fraction = Fraction(1)) -> int:
        """Charge a share of a month and tax the sum."""
        net = sum(half_up(self.of[code] * share) for code in offerings)
        return net + half_up(net * self.tax)


def households(folder: Path) -> dict[str, list[str]]:
    """Tell what each imported household is charged for."""
    rental = Prices(folder).rental
    boxes = [row["contract"] for row in rows(folder, "boxes")]
    return {
        row["contract"]: [row["plan"], *filter(None, row["addons"].split(";"))]
        + [rental] * boxes.count(row["contract"])
        for row in rows(folder, "subscribers")
    }


@OPERATORS
def test_the_provider_knows_every_card(folder):
    """Every customer and payment method of the subscribers exists at the provider."""
    known = {c["id"]: c["payment_method"] for c in state(folder, "provider")["customers"]}
    named = {r["payment_customer"]: r["payment_method"] for r in rows(folder, "subscribers")}
    assert known == named


@OPERATORS
def test_the_portal_has_every_code(folder):
    """Every tariff and package that is routed exists at the portal, which begins empty."""
    portal = state(folder, "portal")
    routed = {(row["role"], row["target_code"]) for row in rows(folder, "routes")}
    tariffs = {("tariff", tariff["external_id"]) for tariff in portal["tariffs"]}
    packages = {("package", package["external_id"]) for package in portal["packages"]}
    assert routed <= tariffs | packages
    assert "accounts" not in portal


@OPERATORS
def test_the_first_invoice_adds_up(folder):
    """The first total is the share of the newcomer's days, line by line, and tax on the sum."""
    told, prices = story(folder), Prices(folder)
    signup, first_day = told["signup"], told["start"]["at"].date()
    period = period_containing(first_day, signup["bill_day"])
    share = Fraction((period.end - first_day).days, (period.end - period.start).days)
    offerings = [signup["plan"], *signup["addons"], prices.rental]
    assert minor(told["first_invoice"]["total"]) == prices.total(offerings, share)
    assert period.end == told["renewal"]["on"]


@OPERATORS
def test_the_renewal_adds_up(folder):
    """What the debtors owe and what everybody else is charged follows from the price list."""
    told, prices = story(folder), Prices(folder)
    due = {contract: prices.total(codes) for contract, codes in households(folder).items()}
    owed = {debtor["contract"]: minor(debtor["total"]) for debtor in told["debtor"]}
    assert owed == {contract: due[contract] for contract in owed}
    paid = [amount for contract, amount in due.items() if contract not in owed]
    assert told["renewal"]["paid_count"] == told["renewal"]["lit_count"] == len(paid)
    assert minor(told["renewal"]["paid_total"]) == sum(paid)
    signup = told["signup"]
    offerings = [signup["plan"], *signup["addons"], prices.rental]
    assert minor(told["renewal"]["total"]) == prices.total(offerings)


@OPERATORS
def test_the_days_are_those_of_the_ladder(folder):
    """The days of the story are the due date and the ladder's steps, with their tries."""
    told = story(folder)["renewal"]
    settings = tomllib.loads((folder / "operator.toml").read_text("utf-8"))
    due_on = told["on"]
    days_of: dict[str, set] = {"retry": {due_on}, "notice": set(), "suspend": set()}
    for step in settings["dunning"]["steps"]:
        days_of[step["action"]].add(days_after(due_on, step["after_days"]))
    days = told["day"]
    assert {day["on"] for day in days if day["tries"]} == days_of["retry"]
    assert {day["on"] for day in days if day.get("notice")} == days_of["notice"]
    assert {day["on"] for day in days if day.get("is_dark")} == days_of["suspend"]
    assert [day["on"] for day in days] == sorted(set().union(*days_of.values()))
