"""The files of both operators agree with each other, and the values worked out by hand add up."""

import csv
import json
import tomllib
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from terms.calendar import days_after, period_containing
from tests.demo.telling import HARBOUR, TERRACE

BOOT_S = 2
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
    """The prices of an operator, in minor units, its one tax, and which rental is for a model."""

    def __init__(self, folder: Path) -> None:
        prices = rows(folder, "prices")
        self.of = {row["offering"]: minor(row["amount"]) for row in prices}
        self.deposit = {row["offering"]: minor(row.get("deposit") or "0") for row in prices}
        (rate,) = rows(folder, "taxes")
        self.tax = Fraction(int(rate["rate"].rstrip("%")), 100)
        rentals = [row for row in rows(folder, "offerings") if row["kind"] == "rental"]
        self.rental_of = {m: row["code"] for row in rentals for m in row["model"].split(";")}

    def total(self, offerings: list[str], share: Fraction = Fraction(1)) -> int:
        """Charge a share of a month and tax the sum."""
        net = sum(half_up(self.of[code] * share) for code in offerings)
        return net + half_up(net * self.tax)


def households(folder: Path) -> dict[str, list[str]]:
    """Tell what each imported household is charged for."""
    rental_of, boxes = Prices(folder).rental_of, rows(folder, "boxes")
    return {
        row["contract"]: [row["plan"], *filter(None, row["addons"].split(";"))]
        + [rental_of[box["model"]] for box in boxes if box["contract"] == row["contract"]]
        for row in rows(folder, "subscribers")
    }


def ordered(folder: Path) -> list[str]:
    """Tell what the newcomer is charged for."""
    signup = story(folder)["signup"]
    rental = Prices(folder).rental_of[signup["box"]["model"]]
    return [signup["plan"], *signup["addons"], rental]


def dues(folder: Path) -> list[dict]:
    """Give the households of the bill day after the return."""
    return [one for one in story(folder)["dues"].values() if isinstance(one, dict)]


def drivers(folder: Path) -> dict[str, dict]:
    """Give the targets that drive boxes, by kind."""
    targets = tomllib.loads((folder / "operator.toml").read_text("utf-8"))["targets"]
    return {one["kind"]: {**one, "name": n} for n, one in targets.items() if "models" in one}


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
    driving = {one["name"] for one in drivers(folder).values()}
    routed = {
        (row["role"], row["target_code"])
        for row in rows(folder, "routes")
        if row["target"] not in driving
    }
    tariffs = {("tariff", tariff["external_id"]) for tariff in portal["tariffs"]}
    packages = {("package", package["external_id"]) for package in portal["packages"]}
    assert routed <= tariffs | packages
    assert "accounts" not in portal


@OPERATORS
def test_the_boxes_know_every_code_and_stand_in_the_list(folder):
    """Driven boxes know what is routed to them, boot in 2 s, hold nothing, and are all in stock."""
    listed = {(row["serial"], row["mac"], row["model"]) for row in rows(folder, "boxes")}
    assert drivers(folder)
    for kind, driver in drivers(folder).items():
        begun = state(folder, kind)
        codes = {r["target_code"] for r in rows(folder, "routes") if r["target"] == driver["name"]}
        assert codes <= set(begun["known_packages"])
        assert begun.keys() == {"boot_s", "known_packages", "boxes"}
        assert begun["boot_s"] == BOOT_S
        made = {(box["serial"], box["mac"], box["model"]) for box in begun["boxes"]}
        assert made == {box for box in listed if box[2] in driver["models"]}


@OPERATORS
def test_who_sells_is_told_before_the_story_begins(folder):
    """Somebody sells on every day of the story, with name, address and tax number."""
    told = tomllib.loads((folder / "operator.toml").read_text("utf-8"))["seller"]
    days = [one.get("from", date.min) for one in told]
    assert days[0] == date.min
    assert max(days) < story(folder)["start"]["at"].date()
    assert all(one["name"] and one["address"] and one["tax_number"] for one in told)


@OPERATORS
def test_serials_pass_their_check(folder):
    """Every serial begins as its model's do, and has the check digit the model wants."""
    models = {row["model"]: row for row in rows(folder, "models")}
    for box in rows(folder, "boxes"):
        prefix, check = models[box["model"]]["serial_prefix"], models[box["model"]]["serial_check"]
        assert box["serial"].startswith(prefix)
        if check:
            digits = [int(mark) for mark in reversed(box["serial"].removeprefix(prefix))]
            doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
            assert (sum(digits[::2]) + sum(doubled)) % 10 == 0, box


@OPERATORS
def test_whoever_the_story_names_holds_what_the_routes_say(folder):
    """Tariff, packages and the packages of an own box follow from what was ordered."""
    told = story(folder)
    sold = {row["contract"]: row for row in rows(folder, "subscribers")}
    grants = {row["code"]: row["grants"].split(";") for row in rows(folder, "offerings")}
    driver_of = {m: one["name"] for one in drivers(folder).values() for m in one["models"]}
    boxes = {row["serial"]: row for row in rows(folder, "boxes")}
    named = [
        {**told["signup"], "box": told["signup"]["box"]["serial"]},
        *({**one, **_order(sold[one["contract"]])} for one in (*told["debtor"], *dues(folder))),
    ]
    for one in named:
        codes = [code for sale in (one["plan"], *one["addons"]) for code in grants[sale]]
        routed = [row for row in rows(folder, "routes") if row["code"] in codes]
        driver = driver_of[boxes[one["box"]]["model"]] if one.get("box") else ""
        portal = [row for row in routed if row["target"] not in driver_of.values()]
        assert [r["target_code"] for r in portal if r["role"] == "tariff"] == [one["tariff"]]
        packages = {r["target_code"] for r in portal if r["role"] == "package"}
        assert packages == set(one["packages"])
        own = {row["target_code"] for row in routed if row["target"] == driver}
        assert own == set(one.get("box_packages", ()))


def _order(row: dict[str, str]) -> dict:
    return {"plan": row["plan"], "addons": list(filter(None, row["addons"].split(";")))}


@OPERATORS
def test_the_first_invoice_adds_up(folder):
    """The first total is the share of the newcomer's days, line by line, and tax on the sum."""
    told, prices = story(folder), Prices(folder)
    signup, first_day = told["signup"], told["start"]["at"].date()
    period = period_containing(first_day, signup["bill_day"])
    share = Fraction((period.end - first_day).days, (period.end - period.start).days)
    offerings = ordered(folder)
    deposit = sum(prices.deposit[code] for code in offerings)
    assert minor(told["first_invoice"]["total"]) == prices.total(offerings, share) + deposit
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
    assert minor(told["renewal"]["total"]) == prices.total(ordered(folder))


@OPERATORS
def test_the_dues_add_up(folder):
    """The totals follow from the price list, the voucher is enough, the days are in order."""
    told, prices = story(folder)["dues"], Prices(folder)
    due = {contract: prices.total(codes) for contract, codes in households(folder).items()}
    for one in dues(folder):
        assert minor(one["total"]) == due[one["contract"]]
    assert minor(told["voucher"]) >= minor(told["redeeming"]["total"])
    assert 0 < minor(told["refund"]) < minor(told["declined"]["total"])
    (bill_day,) = {int(row["bill_day"]) for row in rows(folder, "subscribers")}
    assert period_containing(story(folder)["return"]["next_on"], bill_day).end == told["on"]
    dark_on = told["on"] + (_dark_on(folder) - story(folder)["renewal"]["on"])
    assert dark_on < told["paid_on"] <= told["until_on"] < told["after_on"]
    emails = {row["contract"]: row["email"] for row in rows(folder, "subscribers")}
    assert told["redeeming"]["email"] == emails[told["redeeming"]["contract"]] != ""


def _dark_on(folder: Path) -> date:
    return next(day["on"] for day in story(folder)["renewal"]["day"] if day.get("is_dark"))


@OPERATORS
def test_the_return_adds_up(folder):
    """Given back are the deposit and the days from the return on; the next charge is less by it."""
    told, prices = story(folder), Prices(folder)
    back, (*kept, rental) = told["return"], ordered(folder)
    period = period_containing(back["on"], told["signup"]["bill_day"])
    used = Fraction((back["on"] - period.start).days, (period.end - period.start).days)
    net = prices.of[rental] - half_up(prices.of[rental] * used)
    given_back = net + half_up(net * prices.tax) + prices.deposit[rental]
    assert minor(back["given_back"]) == given_back
    assert minor(back["next_total"]) == prices.total(kept) - given_back > 0
    assert back["next_on"] == period.end


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
