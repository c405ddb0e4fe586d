"""A bill day is looked at, and let go: until then nothing of it is charged."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

from billing.billdays import store
from billing.billdays.model import BillDay
from billing.catalog.store import raise_edition
from runtime.store import Tx
from runtime.work.due import bring_forward
from terms.calendar import days_after, local_date
from terms.errors import Invalid, InvalidTransition

AHEAD_DAYS_MAX = 31
BY_CHARS_MAX, REASON_CHARS_MAX = 80, 254
# Wherever an account is, its day is over a day after it is in UTC.
_EVERYWHERE = timedelta(days=1)


async def release(
    tx: Tx, day: date, now: datetime, *, zone: str, by: str, reason: str = ""
) -> BillDay:
    """Let a bill day go, and all before it; the same again changes nothing.

    Raises InvalidTransition where no day waits for anybody, Invalid for one far ahead.
    """
    gate, today = await store.load_gate(tx), local_date(now, zone)
    if not gate.window_days:
        raise InvalidTransition("no bill day waits: the operator has set no preview window")
    if day > days_after(today, AHEAD_DAYS_MAX):
        raise Invalid("day", f"must not be more than {AHEAD_DAYS_MAX} days ahead of {today}")
    one = await store.find(tx, day)
    if one.released_at is not None:
        return one
    if day <= gate.through(today):
        raise InvalidTransition(f"{day} has been let go already")
    done = replace(
        one, released_at=now, released_by=by[:BY_CHARS_MAX], reason=reason[:REASON_CHARS_MAX]
    )
    await store.keep(tx, done)
    await raise_edition(tx)
    last = datetime.combine(gate.opens_on(day), time(), tzinfo=now.tzinfo) + _EVERYWHERE
    await bring_forward(tx, "settle", now, last)
    return done


async def keep_preview(tx: Tx, day: date, told: str, now: datetime) -> None:
    """Keep what a preview of a day has told, for whoever is to let it go."""
    one = await store.find(tx, day)
    await store.keep(tx, replace(one, previewed_at=now, told=told))
