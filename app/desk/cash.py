"""The cash desk: tills, shifts, money to and from the safe, counting. All is audited.

Whoever takes cash where there are tills has an open shift; `actor` is who sits there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.desk import business, given
from app.desk.auditing import note
from app.desk.typed import plain
from app.wiring import House
from billing.cash.model import EntryKind, Shift, ShiftState, Till
from billing.flows import receipts, shifts
from billing.flows.shifts import Counting
from billing.reads import cash as reading
from billing.reads.cash import ReceiptView
from runtime.store import Tx
from terms.errors import Invalid
from terms.money import Money

MOVES = (EntryKind.PAID_IN, EntryKind.PAID_OUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class TillSet:
    """A till that is set up or changed, and what one person may say of it, in words."""

    till: Till
    is_new: bool
    tolerance: str

    @property
    def words(self) -> str:
        """Where it stands, and what one person may say of it."""
        return f"{self.till.place or 'no place'}, {self.tolerance} by one person"


async def read_money(
    tx: Tx, field: str, texts: Sequence[str], *, there: Collection[str] = ()
) -> list[Money]:
    """Read amounts like "100.00" in the operator's currency, or "100.00 CZK" in another.

    Raises Invalid naming the field, or `currency` where nobody uses it and none of it is `there`.
    """
    known = await business.find(tx)
    found = []
    for text in texts:
        amount, _, currency = text.strip().partition(" ")
        said = currency.strip() or (known.currency if known else "")
        try:
            found.append(Money.parse(plain(amount, field), said or "EUR"))
        except ValueError as error:
            raise Invalid(field, f"{error} (with its currency: 12.50 EUR)") from None
        if found[-1].amount_minor < 0:
            raise Invalid(field, "must not be less than nothing")
        if not said:
            raise Invalid(field, f"no operator is imported: say the currency, as in {amount} EUR")
    for one in {each.currency for each in found} - set(there):
        await business.check_currency(tx, one)
    return found


async def set_up(
    house: House,
    tx: Tx,
    name: str,
    *,
    place: str | None = None,
    tolerance: str | None = None,
    actor: str,
    reason: str = "",
) -> TillSet:
    """Set a till up or change it. From the first one on cash is taken in shifts alone.

    `tolerance` is what one person may say is over or short. None is as it was, and nothing for a
    new till. Raises Invalid naming the field.
    """
    minor = None if tolerance is None else 0
    if tolerance is not None and tolerance.strip() != "0":
        minor = (await read_money(tx, "tolerance", [tolerance]))[0].amount_minor
    now = await house.clock.business_now(tx)
    where = place if place is None else place.strip()
    made, is_new = await shifts.set_up(tx, name.strip(), where, minor, now)
    done = TillSet(till=made, is_new=is_new, tolerance=await tolerance_of(tx, made))
    await note(
        house,
        tx,
        actor=actor,
        action="till.set_up",
        subject=f"till:{made.name}",
        after=done.words,
        reason=reason,
    )
    return done


async def tolerance_of(tx: Tx, one: Till) -> str:
    """Tell what one person may say of a till, in the operator's currency where there is one."""
    known = await business.find(tx)
    if known is None:
        return f"{one.tolerance_minor} minor units"
    return f"{Money(one.tolerance_minor, known.currency)}"


async def retire(house: House, tx: Tx, name: str, *, actor: str, reason: str = "") -> Till:
    """Take a till out of use. Raises what the flow raises."""
    done = await shifts.retire(tx, name)
    subject = f"till:{name}"
    await note(house, tx, actor=actor, action="till.retire", subject=subject, reason=reason)
    return done


async def open_shift(
    house: House, tx: Tx, till: str, floats: Sequence[str], *, actor: str, reason: str = ""
) -> Shift:
    """Open a shift of whoever asks, with what is in the drawer. Raises what the flow raises."""
    read = await read_money(tx, "float", floats)
    put_in = [one for one in read if one.amount_minor]
    now = await house.clock.business_now(tx)
    one = await shifts.open_shift(house.desk, tx, till, put_in, now, by=actor)
    after = f"with {_listed(put_in)}"
    await _note(house, tx, one, actor, action="shift.open", after=after, reason=reason)
    return one


async def move(
    house: House, tx: Tx, kind: EntryKind, amount: str, *, actor: str, reason: str
) -> Shift:
    """Bring money from the safe into one's drawer, or to it. Raises what the flow raises."""
    if kind not in MOVES:
        raise Invalid("kind", "must be paid_in or paid_out")
    why = given.name("reason", reason)
    mine = [one for one in await reading.unclosed(tx) if one.cashier == actor]
    held = [await shifts.drawer(tx, one.id) for one in mine if one.state is ShiftState.OPEN]
    (money,) = await read_money(tx, "amount", [amount], there=held[0] if held else ())
    now = await house.clock.business_now(tx)
    one = await shifts.move(tx, kind, money, now, by=actor, reason=why)
    action = f"shift.{kind.value}"
    await _note(house, tx, one, actor, action=action, after=f"{money}", reason=why)
    return one


async def count(
    house: House, tx: Tx, name: str, counts: Sequence[str], *, actor: str, reason: str = ""
) -> Counting:
    """Count a drawer; its shift closes, or waits for a second person. Raises as the flow."""
    there = await shifts.drawer(tx, (await shifts.find(tx, name)).id)
    money = await read_money(tx, "counts", counts, there=there)
    now = await house.clock.business_now(tx)
    zone = await _zone(tx)
    done = await shifts.count(tx, name, money, now, by=actor, zone=zone)
    await _note_count(house, tx, done, actor, reason)
    return done


async def approve(house: House, tx: Tx, name: str, *, actor: str, reason: str = "") -> Counting:
    """Close a shift that differs, as a second person. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    done = await shifts.approve(tx, name, now, by=actor, zone=await _zone(tx))
    await _note_count(house, tx, done, actor, reason)
    return done


async def recount(house: House, tx: Tx, name: str, *, actor: str, reason: str = "") -> Shift:
    """Have a drawer counted again that waits. Raises what the flow raises."""
    one = await shifts.recount(tx, name)
    await _note(house, tx, one, actor, action="shift.recount", after="open", reason=reason)
    return one


async def print_receipt(house: House, tx: Tx, number: str, *, actor: str) -> ReceiptView:
    """Print a receipt: `prints` tells whether it is a copy. Raises NotFound."""
    n = await receipts.hand_out(tx, number, await house.clock.business_now(tx), by=actor)
    which = "the original" if n == 1 else f"copy {n - 1}"
    subject = f"receipt:{number}"
    await note(house, tx, actor=actor, action="receipt.print", subject=subject, after=which)
    return await reading.find_receipt(tx, number)


async def _zone(tx: Tx) -> str:
    known = await business.find(tx)
    return known.zone if known else "UTC"


async def _note_count(house: House, tx: Tx, done: Counting, actor: str, reason: str) -> None:
    differs = _listed([one.difference for one in done.counted])
    is_closed = done.shift.state is ShiftState.CLOSED
    action = "shift.close" if is_closed else "shift.count"
    after = f"counted {_listed([one.counted for one in done.counted])}, differs by {differs}"
    await _note(house, tx, done.shift, actor, action=action, after=after, reason=reason)


async def _note(
    house: House, tx: Tx, one: Shift, actor: str, *, action: str, after: str, reason: str
) -> None:
    subject = f"shift:{one.name}"
    await note(house, tx, actor=actor, action=action, subject=subject, after=after, reason=reason)


def _listed(amounts: Sequence[Money]) -> str:
    return ", ".join(f"{one}" for one in amounts) or "nothing"
