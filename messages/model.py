"""A message, and a delivery: what became of one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from messages.plan import Via
from terms.ids import ServiceId


class Outcome(StrEnum):
    """How far a message came."""

    BEGUN = "begun"  # recorded before anything is sent; found again, it means "unknown"
    SENT = "sent"  # at least one screen took it, or the mail server did
    WAITING = "waiting"  # nothing happened anywhere yet; it is tried again while its time lasts
    FAILED = "failed"  # nobody will take it; it is not tried again
    LATE = "late"  # dropped, because its time was over
    UNKNOWN = "unknown"  # we stopped in the middle: sent or not, it is not sent again


ALLOWED: Mapping[Outcome, frozenset[Outcome]] = {
    Outcome.BEGUN: frozenset(Outcome) - {Outcome.BEGUN},
    Outcome.WAITING: frozenset({Outcome.BEGUN, Outcome.FAILED, Outcome.LATE}),
    Outcome.SENT: frozenset(),
    Outcome.FAILED: frozenset(),
    Outcome.LATE: frozenset(),
    Outcome.UNKNOWN: frozenset(),
}
OPEN = frozenset({Outcome.BEGUN, Outcome.WAITING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is to go out by one channel, not later than `not_after` (machine time).

    It waits until `not_before`. `service` is the household it is for, if it is for one; `to` a mail
    address or a telephone number, or nothing for the household's screens. `shown` is what the
    record of it may repeat. `flaw` says why it can never go out.
    """

    id: str
    kind: str
    not_after: datetime
    not_before: datetime | None = None
    service: ServiceId | None = None
    to: str = ""
    shown: str = ""
    flaw: str = ""

    @property
    def is_over(self) -> str:
        """When its time was over, in words."""
        return f"its time ended {self.not_after:%F %T}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message on its way: to a household's screens, or to the address or number `to`."""

    id: str
    kind: str
    via: Via
    text: str
    outcome: Outcome
    begun_at: datetime
    service: ServiceId | None = None
    to: str = ""
    ended_at: datetime | None = None
    why: str = ""
