"""A delivery: what became of one notice. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from terms.ids import NoticeId, ServiceId


class Outcome(StrEnum):
    """How far a notice came."""

    BEGUN = "begun"  # recorded before anything is sent; found again, it means "unknown"
    SENT = "sent"  # at least one screen took it
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
class Delivery:
    """One notice on its way to one household's screens."""

    notice: NoticeId
    service: ServiceId
    kind: str
    text: str
    outcome: Outcome
    begun_at: datetime
    ended_at: datetime | None = None
    why: str = ""
