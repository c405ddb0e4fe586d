"""Usage records, and the running total of a meter in a period. Pure.

A record is known by its source and the source's own id, so that it counts once however often it is
told. Quantities are integers of millionths; no float ever holds one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any

from terms.calendar import Period
from terms.errors import Invalid
from terms.ids import AccountId, ServiceId, SubscriptionId

MICRO = 1_000_000
_PLACES = 6
UNITS_MAX = 1_000_000_000
NO_SERVICE, NO_OFFERING, NO_PRICE = "no_service", "no_offering", "no_price"  # why one waits
AGE_MAX = timedelta(days=90)
AHEAD_MAX = timedelta(minutes=10)
FIELDS = ("id", "contract", "meter", "quantity", "at")
# What a source says of a record besides its id. Of a target's we say whose it is and when it was,
# by what its key means and how far business time is ahead; both may be otherwise the next time.
SAID = ("contract", "meter", "quantity_micro", "used_at")
SAID_BY_TARGETS = ("meter", "quantity_micro")
_QUANTITY = re.compile(r"[0-9]{1,10}(\.[0-9]{1,6})?")
_TEXT = re.compile(r"[!-~]{1,80}")
_CONTRACT = re.compile(r"[!-~]{1,40}")
_METER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,39}")


class RecordState(StrEnum):
    """What has become of a record."""

    COUNTED = "counted"  # it is part of a total
    FREE = "free"  # used on a day that nobody charges: of a trial, or billed by another system
    WAITING = "waiting"  # nobody has it: it waits for its service, or for a person
    DISMISSED = "dismissed"  # a person said that nobody will ever have it


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """So many millionths of a unit of a meter, used by a contract at an instant."""

    source: str
    id: str
    contract: str
    meter: str
    quantity_micro: int
    used_at: datetime

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same record, however often it is told."""
        return self.source, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """A record that is held, and what was told under its id later. What is held stays."""

    held: Record
    told: Record

    def __str__(self) -> str:
        return f"{_said(self.held)} is held, {_said(self.told)} was told"


def _said(one: Record) -> str:
    return f"{shown(one.quantity_micro)} {one.meter} of {one.contract} at {one.used_at:%F %T} UTC"


def read(source: str, row: Mapping[str, Any], now: datetime) -> Record:
    """Read what somebody tells of one use. Raises Invalid naming the field."""
    for name in row:
        if name not in FIELDS:
            raise Invalid(str(name)[:40], "is not expected")
    return Record(
        source=_matched("source", source, _METER),
        id=_matched("id", row.get("id"), _TEXT),
        contract=_matched("contract", row.get("contract"), _CONTRACT),
        meter=_matched("meter", row.get("meter"), _METER),
        quantity_micro=_quantity(row.get("quantity")),
        used_at=_instant(row.get("at"), now),
    )


def _matched(name: str, value: Any, pattern: re.Pattern[str]) -> str:
    if value is None or value == "":
        raise Invalid(name, "is missing")
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Invalid(name, f"{str(value)[:40]!r} cannot be one")
    return value


def _quantity(value: Any) -> int:
    """Read a number without a sign, of at most six decimals; how it was written does not matter."""
    if value is None or value == "":
        raise Invalid("quantity", "is missing")
    text = str(value) if type(value) is int else value
    if not (isinstance(text, str) and text.isascii() and _QUANTITY.fullmatch(text)):
        raise Invalid("quantity", f"{str(value)[:40]!r} is not a number like 12 or 0.5")
    whole, _, parts = text.partition(".")
    micro = int(whole) * MICRO + int(parts.ljust(_PLACES, "0"))
    if micro > UNITS_MAX * MICRO:
        raise Invalid("quantity", f"is more than {UNITS_MAX}")
    return micro


def _instant(value: Any, now: datetime) -> datetime:
    if value is None or value == "":
        raise Invalid("at", "is missing")
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Invalid("at", f"{str(value)[:40]!r} is no instant like 2026-06-01T20:00Z") from None
    if found.tzinfo is None:
        raise Invalid("at", f"{value[:40]!r} needs a zone, like 2026-06-01T20:00Z")
    if not now - AGE_MAX <= found <= now + AHEAD_MAX:
        past = found < now
        raise Invalid("at", f"is older than {AGE_MAX.days} days" if past else "is still to come")
    return found.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTotal:
    """How much a subscription has used of its meter in a period, in how many records.

    The period is that part of the offering's in which the subscription is charged.
    """

    id: str
    account: AccountId
    service: ServiceId
    subscription: SubscriptionId
    offering: str
    meter: str
    period: Period
    quantity_micro: int = 0
    events: int = 0

    @property
    def quantity(self) -> Fraction:
        """The quantity in units."""
        return Fraction(self.quantity_micro, MICRO)


def total_id(subscription: SubscriptionId, period: Period) -> str:
    """Make the id of a total from what it is of."""
    return f"{subscription}.{period.start:%Y%m%d}"


def shown(micro: int) -> str:
    """Write a quantity for people."""
    whole, rest = divmod(micro, MICRO)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")
