"""Bill days at the desk: which wait, what a preview told of them, and letting one go."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from app.desk import business
from app.desk.auditing import note
from app.wiring import House
from billing.billdays.model import BillDay, DayState, Gate, state_of
from billing.flows import billdays as flow
from billing.reads import billdays
from runtime.store import Tx
from terms.calendar import days_after, local_date

DAYS_MAX = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySum:
    """What a preview told of a day in one currency."""

    currency: str
    invoices: int
    net: str
    tax: str
    total: str
    given_back: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayView:
    """A bill day: `opens_on` it goes by itself. The numbers are those of its newest preview."""

    day: date
    state: DayState
    opens_on: date
    previewed_at: datetime | None
    accounts: int = 0
    shocks: int = 0
    drops: int = 0
    fresh: int = 0
    gone: int = 0
    broken: int = 0
    sums: Sequence[DaySum] = ()
    released_at: datetime | None = None
    released_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """The bill days, the newest first; `window_days` is how long one waits, 0 where none does."""

    window_days: int
    days: Sequence[DayView] = field(default_factory=tuple)


async def days(house: House, tx: Tx) -> Days:
    """List the days that wait, tomorrow, and those that somebody has looked at."""
    gate, today = await billdays.gate(tx), await _today(house, tx)
    kept = {one.day: one for one in await billdays.newest(tx, days_max=DAYS_MAX)}
    if gate.window_days:
        for day in (*gate.waiting(today), days_after(today, 1)):
            kept.setdefault(day, BillDay(day=day))
    found = [_view(kept[day], gate, today) for day in sorted(kept, reverse=True)]
    return Days(window_days=gate.window_days, days=found)


async def day(house: House, tx: Tx, one: date) -> DayView:
    """Show one day."""
    return _view(await billdays.find(tx, one), await billdays.gate(tx), await _today(house, tx))


async def release(house: House, tx: Tx, day: date, actor: str, *, reason: str = "") -> DayView:
    """Let a day go. Raises what the flow raises."""
    known = await business.know(tx)
    now = await house.clock.business_now(tx)
    done = await flow.release(tx, day, now, zone=known.zone, by=actor, reason=reason)
    await note(
        house,
        tx,
        actor=actor,
        action="bill.release",
        subject=f"bill:{day}",
        after=done.told or None,
        reason=reason,
    )
    return _view(done, await billdays.gate(tx), local_date(now, known.zone))


async def _today(house: House, tx: Tx) -> date:
    known = await business.find(tx)
    now = await house.clock.business_now(tx)
    return local_date(now, known.zone if known else "UTC")


def _view(one: BillDay, gate: Gate, today: date) -> DayView:
    told: dict[str, Any] = json.loads(one.told) if one.told else {}
    sums = [DaySum(**each) for each in told.pop("sums", ())]
    return DayView(
        day=one.day,
        state=state_of(one.day, gate, today),
        opens_on=gate.opens_on(one.day),
        previewed_at=one.previewed_at,
        sums=sums,
        released_at=one.released_at,
        released_by=one.released_by,
        reason=one.reason,
        **told,
    )
