"""Customer, account and service: whom we bill, in what money and zone, for which household.

An account's `bill_day` is the anchor 1..31 of all its periods; its dates are local to its zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import IntFlag

from terms import calendar
from terms.calendar import Period
from terms.ids import AccountId, ServiceId


class Perk(IntFlag):
    """What an account has beside its subscriptions: only then is it looked for."""

    DISCOUNT = 1  # it has redeemed a promotion
    REFERRED = 2  # somebody brought it, and has credit while it has paid an invoice
    MEMBER = 4  # it has points for what it pays
    GIVEN_UP = 8  # something it owed was written off: money that comes may be for that
    FUNDED = 16  # its wallet had something in it and was not low when it was looked at last
    TOLD_LOW = 32  # it was low, and that was told
    REWARD = REFERRED | MEMBER
    WALLET = FUNDED | TOLD_LOW  # something was in its wallet once


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who pays: number, money, place and terms. `terms_days` lie between issue and due date.

    `jurisdiction` is where it is taxed (ISO 3166), empty for the operator's own; `segment` is whose
    rules its debts follow, empty for the usual one. `warned_of` is the last renewal of which was
    told that its wallet does not cover it.
    """

    id: AccountId
    number: str
    currency: str
    zone: str
    locale: str
    bill_day: int
    terms_days: int
    jurisdiction: str = ""
    segment: str = ""
    perks: int = 0
    warned_of: date | None = None

    def today(self, now: datetime) -> date:
        """Tell the calendar day of an instant where the account lives."""
        return calendar.local_date(now, self.zone)

    def hour(self, now: datetime) -> int:
        """Tell the hour that clocks show at an instant where the account lives."""
        return calendar.local_hour(now, self.zone)

    def at(self, day: date, hour: int) -> datetime:
        """Tell the instant at which clocks show an hour of a local day."""
        return calendar.wall_clock(day, time(hour), self.zone)

    def begin_of(self, day: date) -> datetime:
        """Tell the instant at which a local day begins."""
        return calendar.start_of_day(day, self.zone)

    def period_of(self, day: date) -> Period:
        """Tell the anchored monthly period that contains a day."""
        return calendar.period_containing(day, self.bill_day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One household's service under one account.

    `revision` is that of the last entitlement ever issued for it. Before `billed_until` another
    system has charged it already.
    """

    id: ServiceId
    account: AccountId
    contract: str
    label: str
    streams: int
    devices: int
    revision: int
    billed_until: date | None = None
