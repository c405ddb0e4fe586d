"""Tills are set up; shifts are opened at them, counted and closed. A closed one never changes.

What is over or short of a drawer is posted when its shift closes, currency by currency. Where it is
more than one person may say, the shift waits for a second one, and takes no money meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from billing.cash.model import (
    AMOUNT_MINOR_MAX,
    BY_CHARS_MAX,
    CASH,
    CURRENCIES_MAX,
    NAME_CHARS_MAX,
    PLACE_CHARS_MAX,
    REASON_CHARS_MAX,
    Counted,
    EntryKind,
    NoShift,
    Shift,
    ShiftState,
    Till,
    check_amount,
    check_second,
    compare,
    expected,
    needs_second,
    step,
)
from billing.cash.store import drawer_entry, shift, shift_count, shift_from, till, till_from
from billing.flows.desk import Desk
from billing.flows.receipts import Drawer, check_holds, drawer_of, put
from billing.ledger import store as ledger
from billing.ledger.model import Book, Posting, PostingKind, entries
from runtime.chance import new_id
from runtime.store import Tx
from terms.calendar import local_date
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound
from terms.ids import AccountId
from terms.money import Money

_NAME = re.compile(rf"[0-9A-Za-z][0-9A-Za-z_.-]{{0,{NAME_CHARS_MAX - 1}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How a count has ended: the shift as it is now, and each currency of the drawer."""

    shift: Shift
    counted: Sequence[Counted]


async def set_up(
    tx: Tx, name: str, place: str | None, tolerance_minor: int | None, now: datetime
) -> tuple[Till, bool]:
    """Set a till up, or change its place and what one person may say of it; a retired one is back.

    None is nothing for a new till, and as it was for another. Also tells whether it is new. Raises
    Invalid naming what is wrong.
    """
    if not _NAME.fullmatch(name):
        raise Invalid("till", f"letters, digits and _ . - alone, at most {NAME_CHARS_MAX}")
    if place is not None and (len(place) > PLACE_CHARS_MAX or not place.isprintable()):
        raise Invalid("place", f"at most {PLACE_CHARS_MAX} characters that can be printed")
    if not 0 <= (tolerance_minor or 0) <= AMOUNT_MINOR_MAX:
        raise Invalid("tolerance", "must be an amount, nothing at least")
    told = {"place": place, "tolerance_minor": tolerance_minor}
    changed = {key: value for key, value in told.items() if value is not None}
    row = {"name": name, "place": "", "tolerance_minor": 0, "shifts": 0, "made_at": now}
    row |= {"is_retired": False, **changed}
    is_new = bool(await tx.insert_new(till, [row], key=("name",)))
    if not is_new:
        values = {"is_retired": False, **changed}
        await tx.execute(update(till).where(till.c.name == name).values(**values))
    return await find_till(tx, name), is_new


async def retire(tx: Tx, name: str) -> Till:
    """Take a till out of use. Raises NotFound, InvalidTransition while a shift of it is open."""
    c = shift.c
    await tx.execute(update(till).where(till.c.name == name).values(is_retired=True))
    found = await find_till(tx, name)
    query = select(c.n).where(c.till == name, c.state != ShiftState.CLOSED.value)
    if n := await tx.scalar(query):
        raise InvalidTransition(f"shift {name}-{n} is not closed")
    return found


async def find_till(tx: Tx, name: str) -> Till:
    """Find a till. Raises NotFound."""
    row = await tx.first(select(till).where(till.c.name == name))
    if row is None:
        raise NotFound(f"there is no till {name!r}", field="till")
    return till_from(row)


async def find(tx: Tx, name: str) -> Shift:
    """Find a shift by its name, like main-12. Raises NotFound."""
    at, _, n = name.rpartition("-")
    if n.isascii() and n.isdigit() and len(n) <= 9:  # noqa: PLR2004 - more is no count of shifts
        row = await tx.first(select(shift).where(shift.c.till == at, shift.c.n == int(n)))
        if row is not None:
            return shift_from(row)
    raise NotFound(f"there is no shift {name!r}", field="shift")


async def open_shift(
    desk: Desk, tx: Tx, name: str, floats: Sequence[Money], now: datetime, *, by: str
) -> Shift:
    """Open a shift of somebody at a till, with what is in the drawer.

    Raises NotFound, Invalid for a float that is none, InvalidTransition for a retired till, and
    where the till or the cashier has an open shift.
    """
    if len(floats) > CURRENCIES_MAX or len({one.currency for one in floats}) < len(floats):
        raise Invalid("float", f"each currency once, {CURRENCIES_MAX} at most")
    n = await _next(tx, name)
    row = {
        "id": new_id(now, desk.chance),
        "till": name,
        "n": n,
        "cashier": by[:BY_CHARS_MAX],
        "state": ShiftState.OPEN.value,
        "opened_at": now,
        "entries": len(floats),
        "counted_at": None,
        "counted_by": "",
        "closed_at": None,
        "closed_by": "",
    }
    engine = sqlite if tx.engine == "sqlite" else postgresql
    # Of those who open one at once, the till lets in one, and the cashier has one.
    put_in = await tx.execute(engine.insert(shift).values(row).on_conflict_do_nothing())
    if not put_in.rowcount:
        await _refuse(tx, name, by)
    for at, amount in enumerate(floats, 1):
        drawer = Drawer(str(row["id"]), at)
        await put(tx, drawer, EntryKind.FLOAT, check_amount(amount, "float"), now, by=by)
    return await find(tx, f"{name}-{n}")


async def move(
    tx: Tx, kind: EntryKind, amount: Money, now: datetime, *, by: str, reason: str
) -> Shift:
    """Bring money from the safe into the drawer of one's open shift, or from it to the safe.

    Raises Invalid, and InvalidTransition where no shift is open or the drawer has not so much.
    """
    check_amount(amount)
    if not reason.strip() or len(reason) > REASON_CHARS_MAX:
        raise Invalid("reason", f"needs 1 to {REASON_CHARS_MAX} characters")
    drawer = await drawer_of(tx, by)
    if drawer is None:
        raise NoShift("no shift of yours is open: open one at a till first")
    if kind is EntryKind.PAID_OUT:
        await check_holds(tx, drawer.shift, amount)
        amount = -amount
    await put(tx, drawer, kind, amount, now, by=by, reason=reason)
    row = await tx.first(select(shift).where(shift.c.id == drawer.shift))
    return shift_from(row)


async def count(
    tx: Tx, name: str, counts: Sequence[Money], now: datetime, *, by: str, zone: str
) -> Counting:
    """Count the drawer of an open shift, which closes it unless too much differs.

    Raises NotFound, Invalid for counts that leave something out, InvalidTransition for a shift that
    is not open.
    """
    if len(counts) > CURRENCIES_MAX:
        raise Invalid("counts", f"at most {CURRENCIES_MAX} currencies")
    one = await _step(tx, name, {"counted_at": now, "counted_by": by[:BY_CHARS_MAX]})
    found = compare(await drawer(tx, one.id), counts)
    rows = [
        {
            "shift_id": one.id,
            "currency": each.counted.currency,
            "expected_minor": each.expected.amount_minor,
            "counted_minor": each.counted.amount_minor,
        }
        for each in found
    ]
    await tx.insert(shift_count, rows)
    if needs_second(found, (await find_till(tx, one.till)).tolerance_minor):
        return Counting(shift=one, counted=found)
    return await _close(tx, one, found, now, by=by, zone=zone)


async def approve(tx: Tx, name: str, now: datetime, *, by: str, zone: str) -> Counting:
    """Close a shift whose drawer differs, as a second person who has looked.

    Raises NotFound, Forbidden for who sat there or counted, InvalidTransition where it does not
    wait for one.
    """
    one = await find(tx, name)
    if one.state is not ShiftState.COUNTED:
        raise InvalidTransition(f"shift {name} is {one.state}: it waits for nobody")
    check_second(one, by)
    return await _close(tx, one, await counted(tx, one.id), now, by=by, zone=zone)


async def recount(tx: Tx, name: str) -> Shift:
    """Open a shift again that was counted and waits, so that its drawer is counted once more.

    Raises NotFound, InvalidTransition.
    """
    one = await find(tx, name)
    step(one.state, ShiftState.OPEN)
    values = {"state": ShiftState.OPEN.value, "counted_at": None, "counted_by": ""}
    await _become(tx, one, values)
    await tx.execute(delete(shift_count).where(shift_count.c.shift_id == one.id))
    return await find(tx, name)


async def drawer(tx: Tx, key: str) -> Mapping[str, Money]:
    """Tell what should be in the drawer of a shift."""
    c = drawer_entry.c
    rows = await tx.rows(select(c.amount_minor, c.currency).where(c.shift_id == key))
    return expected(Money(row.amount_minor, row.currency) for row in rows)


async def counted(tx: Tx, key: str) -> list[Counted]:
    """Tell what was counted in the drawer of a shift."""
    query = select(shift_count).where(shift_count.c.shift_id == key)
    return [
        Counted(Money(row.expected_minor, row.currency), Money(row.counted_minor, row.currency))
        for row in await tx.rows(query.order_by(shift_count.c.currency))
    ]


async def _next(tx: Tx, name: str) -> int:
    """Take the number of a till's next shift; those who open one at once wait here."""
    numbered = await tx.scalar(
        update(till)
        .where(till.c.name == name, till.c.is_retired.is_(False))
        .values(shifts=till.c.shifts + 1)
        .returning(till.c.shifts)
    )
    if numbered is None:
        await find_till(tx, name)
        raise InvalidTransition(f"till {name} is retired")
    return int(numbered)


async def _refuse(tx: Tx, name: str, by: str) -> None:
    c = shift.c
    there = await tx.rows(
        select(shift).where(
            c.state != ShiftState.CLOSED.value, (c.till == name) | (c.cashier == by[:BY_CHARS_MAX])
        )
    )
    named = ", ".join(shift_from(row).name for row in there)
    raise Duplicate(f"shift {named} is not closed: a till has one at a time, and so has a cashier")


async def _step(tx: Tx, name: str, values: Mapping[str, Any]) -> Shift:
    """Let a shift be counted; whoever takes money in it meanwhile has done so before, or not."""
    one = await find(tx, name)
    if one.state is not ShiftState.OPEN:
        raise InvalidTransition(f"shift {name} is {one.state}: there is nothing to count")
    await _become(tx, one, {"state": ShiftState.COUNTED.value, **values})
    return await find(tx, name)


async def _become(tx: Tx, one: Shift, values: Mapping[str, Any]) -> None:
    c = shift.c
    taken = await tx.execute(
        update(shift).where(c.id == one.id, c.state == one.state.value).values(**values)
    )
    if not taken.rowcount:
        raise InvalidTransition(f"shift {one.name} is not {one.state} any more")


async def _close(
    tx: Tx, one: Shift, found: Sequence[Counted], now: datetime, *, by: str, zone: str
) -> Counting:
    """Close a shift and post what is over or short of its drawer."""
    postings = [
        Posting(
            id=f"{one.id}.{each.counted.currency}",
            kind=PostingKind.DRAWER,
            account=AccountId(CASH),
            on=local_date(now, zone),
            at=now,
            entries=entries(
                (Book.CLEARING, CASH, each.difference),
                (Book.OVER_SHORT, one.till, -each.difference),
            ),
        )
        for each in found
        if each.difference.amount_minor
    ]
    await ledger.write(tx, postings)
    values = {"state": ShiftState.CLOSED.value, "closed_at": now, "closed_by": by[:BY_CHARS_MAX]}
    await _become(tx, one, values)
    return Counting(shift=await find(tx, one.name), counted=found)
