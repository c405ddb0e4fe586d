"""What must become of an operator's households, as its `story.toml` says, worked out by hand."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from demo.operator import Operator
from terms.calendar import zone
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """What a household should hold at the portal, and what it owes after the renewal.

    `box` is the serial of a box that is driven itself, empty where it has none; `box_packages` is
    what such a box should hold, in its own words.
    """

    contract: str
    customer: str
    method: str
    mac: str
    total: Money
    tariff: str
    packages: tuple[str, ...]
    box: str = ""
    box_packages: tuple[str, ...] = ()
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signup:
    """The household that signs up: what is ordered, and what its box should show."""

    contract: str
    name: str
    plan: str
    addons: tuple[str, ...]
    locale: str
    bill_day: int
    card: str
    box: Mapping[str, str]
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day of the ladder: charges tried, words on the screen, whether it ends dark."""

    on: date
    tries: int
    notice: tuple[str, ...] = ()
    is_dark: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """The renewal of everybody: how cards decline, what the others are charged in all."""

    decline: str
    paid_count: int
    paid_total: Money
    lit_count: int
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack:
    """The return of the newcomer's box: when, what is given back, and what is charged next."""

    on: date
    given_back: Money
    next_on: date
    next_total: Money
    working: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dues:
    """What is due on one more bill day, how four households come by it, and when.

    `declined` has a card that is stolen. `promising` promises to pay `until_on` and pays by its
    bank, which books it `paid_on`. `redeeming` has a voucher of so much. `disputing` takes back
    what it has paid. `refund` is given back of what the first one has paid.
    """

    on: date
    until_on: date
    paid_on: date
    after_on: date
    decline: str
    voucher: Money
    refund: Money
    declined: Household
    promising: Household
    redeeming: Household
    disputing: Household


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All expected values of one operator's story."""

    starts_at: datetime
    hour: time
    zone: str
    signup: Signup
    newcomer: Household
    first_total: Money
    working: tuple[str, ...]
    renewal: Renewal
    debtors: tuple[Household, ...]
    hand: Mapping[str, Any]
    down_s: float
    give_back: GiveBack
    dues: Dues

    @property
    def dunned(self) -> tuple[Day, ...]:
        """The days of the ladder once more, from the bill day of the dues on."""
        later = self.dues.on - self.renewal.days[0].on
        return tuple(replace(day, on=day.on + later) for day in self.renewal.days)

    def instant(self, day: date) -> datetime:
        """Tell the instant at which the story looks at a day."""
        return datetime.combine(day, self.hour, zone(self.zone))


def read_story(operator: Operator) -> Story:
    """Read what must be true in the story of an operator."""
    told = tomllib.loads((operator.folder / "story.toml").read_text("utf-8"))
    signup, renewal = told["signup"], told["renewal"]
    money = operator.currency
    newcomer = {
        "contract": signup["contract"],
        "mac": signup["box"]["mac"],
        "total": renewal["total"],
        "tariff": signup["tariff"],
        "packages": signup["packages"],
        "box": signup["box"]["serial"],
        "box_packages": signup["box_packages"],
    }
    return Story(
        starts_at=told["start"]["at"].replace(tzinfo=zone(operator.zone)),
        hour=told["start"]["hour"],
        zone=operator.zone,
        signup=_signup(signup),
        newcomer=_household(newcomer, money),
        first_total=Money.parse(told["first_invoice"]["total"], money),
        working=tuple(told["first_invoice"]["working"]),
        renewal=_renewal(renewal, money),
        debtors=tuple(_household(row, money) for row in told["debtor"]),
        hand=told["hand"],
        down_s=float(told["outage"]["down_s"]),
        give_back=_give_back(told["return"], money),
        dues=_dues(told["dues"], money),
    )


def _signup(row: Mapping[str, Any]) -> Signup:
    return Signup(
        contract=row["contract"],
        name=row["name"],
        plan=row["plan"],
        addons=tuple(row["addons"]),
        locale=row["locale"],
        bill_day=row["bill_day"],
        card=row["card"],
        box=row["box"],
        channels=tuple(row["channels"]),
    )


def _renewal(row: Mapping[str, Any], currency: str) -> Renewal:
    return Renewal(
        decline=row["decline"],
        paid_count=row["paid_count"],
        paid_total=Money.parse(row["paid_total"], currency),
        lit_count=row["lit_count"],
        days=tuple(
            Day(
                on=day["on"],
                tries=day["tries"],
                notice=tuple(day.get("notice", ())),
                is_dark=day.get("is_dark", False),
            )
            for day in row["day"]
        ),
    )


def _give_back(row: Mapping[str, Any], currency: str) -> GiveBack:
    return GiveBack(
        on=row["on"],
        given_back=Money.parse(row["given_back"], currency),
        next_on=row["next_on"],
        next_total=Money.parse(row["next_total"], currency),
        working=tuple(row["working"]),
    )


def _dues(row: Mapping[str, Any], currency: str) -> Dues:
    return Dues(
        on=row["on"],
        until_on=row["until_on"],
        paid_on=row["paid_on"],
        after_on=row["after_on"],
        decline=row["decline"],
        voucher=Money.parse(row["voucher"], currency),
        refund=Money.parse(row["refund"], currency),
        declined=_household(row["declined"], currency),
        promising=_household(row["promising"], currency),
        redeeming=_household(row["redeeming"], currency),
        disputing=_household(row["disputing"], currency),
    )


def _household(row: Mapping[str, Any], currency: str) -> Household:
    return Household(
        contract=row["contract"],
        customer=row.get("customer", ""),
        method=row.get("method", ""),
        mac=row["mac"],
        total=Money.parse(row["total"], currency),
        tariff=row["tariff"],
        packages=tuple(sorted(row["packages"])),
        box=row.get("box", ""),
        box_packages=tuple(sorted(row.get("box_packages", ()))),
        email=row.get("email", ""),
    )
