"""An operator folder as the story reads it: who the operator is, and what must become of it.

The expected values stand in the folder's `story.toml`, worked out by hand.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from demo.proof import StoryError
from terms.calendar import zone
from terms.money import Money

_FILES = (
    "operator.toml",
    "story.toml",
    "subscribers.csv",
    "simulators/portal.json",
    "simulators/provider.json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The operator: the names its files use, and what its portal and its provider ask for."""

    folder: Path
    name: str
    zone: str
    currency: str
    target: str
    payments: str
    portal_login: str
    portal_password: str
    provider_key: str
    subscribers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """What a household should hold at the portal, and what it owes after the renewal."""

    contract: str
    customer: str
    method: str
    mac: str
    total: Money
    tariff: str
    packages: tuple[str, ...]


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

    def instant(self, day: date) -> datetime:
        """Tell the instant at which the story looks at a day."""
        return datetime.combine(day, self.hour, zone(self.zone))


def read_operator(folder: Path) -> Operator:
    """Read who the operator is. The folder has one target and one payment provider.

    Raises StoryError for a folder that is none, or lacks a file.
    """
    if not folder.is_dir():
        raise StoryError(f"there is no folder {folder}")
    for name in _FILES:
        if not (folder / name).is_file():
            raise StoryError(f"{folder} is no operator's folder: {name} is missing")
    settings = tomllib.loads((folder / "operator.toml").read_text("utf-8"))
    portal = json.loads((folder / "simulators" / "portal.json").read_text("utf-8"))
    provider = json.loads((folder / "simulators" / "provider.json").read_text("utf-8"))
    login, password = portal["api"]["basic_auth"]
    (target,) = settings["targets"]
    (payments,) = settings["payments"]
    rows = (folder / "subscribers.csv").read_text("utf-8-sig").splitlines()
    return Operator(
        folder=folder,
        name=settings["operator"]["name"],
        zone=settings["operator"]["zone"],
        currency=settings["operator"]["currency"],
        target=target,
        payments=payments,
        portal_login=login,
        portal_password=password,
        provider_key=provider["api_keys"][0],
        subscribers=sum(bool(row.strip()) for row in rows) - 1,
    )


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


def _household(row: Mapping[str, Any], currency: str) -> Household:
    return Household(
        contract=row["contract"],
        customer=row.get("customer", ""),
        method=row.get("method", ""),
        mac=row["mac"],
        total=Money.parse(row["total"], currency),
        tariff=row["tariff"],
        packages=tuple(sorted(row["packages"])),
    )
