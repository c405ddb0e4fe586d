"""Moving business time: a step forward for everybody, where the operator allows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.desk.auditing import note
from app.wiring import House
from runtime.store import Tx
from terms.errors import Forbidden, Invalid

STEP_MAX = timedelta(days=40 * 366)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_STEP = re.compile(r"(?:[0-9]{1,18}[smhdw]){1,8}")
_PART = re.compile(r"([0-9]+)([smhdw])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Both clocks at one moment."""

    business_now: datetime
    machine_now: datetime
    offset_s: int
    may_move: bool


async def tell(house: House, tx: Tx) -> Times:
    """Tell both times."""
    offset = await house.clock.offset(tx)
    machine_now = house.clock.machine_now()
    return Times(
        business_now=machine_now + offset,
        machine_now=machine_now,
        offset_s=int(offset.total_seconds()),
        may_move=house.settings.allow_time_travel,
    )


async def advance(house: House, tx: Tx, by: timedelta, *, actor: str) -> Times:
    """Move business time forward. Raises Forbidden unless the settings allow it."""
    if not house.settings.allow_time_travel:
        raise Forbidden("business time may not be moved here: allow_time_travel is off")
    before = await tell(house, tx)
    await house.clock.advance(tx, by)
    after = await tell(house, tx)
    await note(
        house,
        tx,
        actor=actor,
        action="clock.advance",
        subject="clock",
        before=before.business_now.isoformat(),
        after=after.business_now.isoformat(),
    )
    return after


def parse_step(text: str) -> timedelta:
    """Read "35d", "12h" or "1w2d". Raises Invalid."""
    if not _STEP.fullmatch(text):
        raise Invalid("by", "a step is written like 35d, 12h or 1w2d (s, m, h, d, w)")
    seconds = sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(text))
    if not 0 < seconds <= STEP_MAX.total_seconds():
        raise Invalid("by", f"a step is more than nothing and at most {STEP_MAX.days} days")
    return timedelta(seconds=seconds)
