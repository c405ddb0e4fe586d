"""`boxoffice cash`: tills, shifts at them, what is counted, and receipts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import Reason, actor
from app.cli.speak import Json, complain, read, say, table, tell, write

if TYPE_CHECKING:
    from app.desk.cash import TillSet
    from app.wiring import House
    from billing.cash.model import Shift, Till
    from billing.flows.shifts import Counting
    from billing.reads.cash import ReceiptView, Report
    from runtime.store import Tx

    Named = tuple[Shift, str]  # and how its cashier is called

TillName = Annotated[str, typer.Argument(help="Name of the till.")]
ShiftName = Annotated[str, typer.Argument(help="The shift, like main-12.")]
Amount = Annotated[str, typer.Argument(help="How much, like 50.00, or 50.00 CZK.")]
Why = Annotated[str, typer.Option(help="Why: it stands in the report.")]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="The cash desk.", no_args_is_help=True)
    group.command("till")(till)
    group.command("tills")(tills)
    group.command("retire")(retire)
    group.command("open")(open_)
    group.command("in")(in_)
    group.command("out")(out)
    group.command("count")(count)
    group.command("approve")(approve)
    group.command("recount")(recount)
    group.command("shifts")(shifts)
    group.command("report")(report)
    group.command("receipt")(receipt)
    cli.add_typer(group, name="cash")


def till(
    name: TillName,
    *,
    place: Annotated[str | None, typer.Option(help="Where it stands; '' for nowhere.")] = None,
    tolerance: Annotated[
        str | None, typer.Option(help="What one person may say is over or short, like 5.00.")
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Set a till up or change it: what is left out stays as it was.

    From the first one on cash is taken in open shifts alone.
    """

    async def story(house: House, tx: Tx) -> TillSet:
        from app.desk import cash

        return await cash.set_up(
            house, tx, name, place=place, tolerance=tolerance, actor=actor(), reason=reason
        )

    done = write(story)
    if as_json:
        tell(done.till)
    else:
        say(f"{done.till.name} is {'set up' if done.is_new else 'changed'}: {done.words}")


def tills(*, as_json: Json = False) -> None:
    """List the tills."""

    async def story(_: House, tx: Tx) -> list[tuple[Till, str]]:
        from app.desk.cash import tolerance_of
        from billing.reads import cash

        return [(one, await tolerance_of(tx, one)) for one in await cash.tills(tx)]

    found = read(story)
    if as_json:
        tell([one for one, _ in found])
        return
    rows = [
        (one.name, one.place, tolerance, "retired" if one.is_retired else "in use")
        for one, tolerance in found
    ]
    table(("till", "place", "tolerance", "state"), rows)


def retire(name: TillName, *, reason: Reason = "", as_json: Json = False) -> None:
    """Take a till out of use. Without any, everybody takes cash as before."""

    async def story(house: House, tx: Tx) -> Till:
        from app.desk import cash

        return await cash.retire(house, tx, name, actor=actor(), reason=reason)

    done = write(story)
    if as_json:
        tell(done)
    else:
        say(f"{done.name} is retired")


def open_(
    name: TillName,
    *,
    float_: Annotated[
        list[str] | None, typer.Option("--float", help="What is in the drawer; once per currency.")
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Open a shift of yours at a till. All cash you take or give until you count belongs to it."""

    async def story(house: House, tx: Tx) -> Named:
        from app.desk import cash

        one = await cash.open_shift(house, tx, name, float_ or [], actor=actor(), reason=reason)
        return one, await _cashier(tx, one)

    _tell_shift(write(story), as_json=as_json)


def in_(amount: Amount, *, reason: Why, as_json: Json = False) -> None:
    """Bring money from the safe into the drawer of your shift."""
    _move("paid_in", amount, reason, as_json=as_json)


def out(amount: Amount, *, reason: Why, as_json: Json = False) -> None:
    """Bring money from the drawer of your shift to the safe."""
    _move("paid_out", amount, reason, as_json=as_json)


def count(
    shift: ShiftName,
    counts: Annotated[list[str], typer.Argument(help="What is in the drawer, each currency.")],
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Count the drawer and close the shift; where too much differs a second person has to."""

    async def story(house: House, tx: Tx) -> Counting:
        from app.desk import cash

        return await cash.count(house, tx, shift, counts, actor=actor(), reason=reason)

    _tell_count(write(story), as_json=as_json)


def approve(shift: ShiftName, *, reason: Reason = "", as_json: Json = False) -> None:
    """Close a shift that differs, as a second person: not who sat there, not who counted."""

    async def story(house: House, tx: Tx) -> Counting:
        from app.desk import cash

        return await cash.approve(house, tx, shift, actor=actor(), reason=reason)

    _tell_count(write(story), as_json=as_json)


def recount(shift: ShiftName, *, reason: Reason = "", as_json: Json = False) -> None:
    """Open a shift again that waits for a second person, and count its drawer once more."""

    async def story(house: House, tx: Tx) -> Named:
        from app.desk import cash

        one = await cash.recount(house, tx, shift, actor=actor(), reason=reason)
        return one, await _cashier(tx, one)

    _tell_shift(write(story), as_json=as_json)


def shifts(
    *,
    till: Annotated[str, typer.Option(help="Only those of this till.")] = "",
    after: Annotated[str, typer.Option(help="Only those behind this shift, like main-12.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    as_json: Json = False,
) -> None:
    """List shifts, the newest first."""

    async def story(_: House, tx: Tx) -> list[Named]:
        from app.desk.auditing import naming
        from billing.reads import cash

        behind = await cash.place_of(tx, after) if after else None
        named = await naming(tx)
        listed = await cash.shifts(tx, till_name=till, limit=limit, behind=behind)
        return [(one, named(one.cashier)) for one in listed]

    found = read(story)
    if as_json:
        tell([one for one, _ in found])
        return
    rows = [
        (one.name, cashier, f"{one.opened_at:%Y-%m-%d %H:%M}", str(one.entries), one.state)
        for one, cashier in found
    ]
    table(("shift", "cashier", "opened", "entries", "state"), rows)


def report(
    shift: ShiftName,
    *,
    csv: Annotated[Path | None, typer.Option(help="A new file for all its entries.")] = None,
    as_json: Json = False,
) -> None:
    """Show the Z report of a shift; of one that is open, how it stands."""

    async def story(_: House, tx: Tx) -> tuple[Report, str]:
        from billing.reads import cash

        found = await cash.report(tx, shift)
        return found, await _cashier(tx, found.shift)

    found, cashier = read(story)
    if csv:
        from app.desk.cash_paper import listed

        try:
            with csv.open("x", encoding="utf-8") as file:
                file.write(listed(found))
        except OSError as error:
            raise complain(f"{csv}: {error.strerror}") from None
    if as_json:
        tell(found)
        return
    _show(found, cashier)


def receipt(
    number: Annotated[str, typer.Argument(help="The receipt, like RCT-00000012.")],
    *,
    as_json: Json = False,
) -> None:
    """Print a receipt. The first time is the original, each other one says that it is a copy."""

    async def story(house: House, tx: Tx) -> tuple[ReceiptView, str, str]:
        from app.desk import business, cash
        from app.desk.auditing import naming

        found = await cash.print_receipt(house, tx, number, actor=actor())
        known = await business.find(tx)
        cashier = (await naming(tx))(found.receipt.cashier)
        return found, known.name if known else "", cashier

    found, operator, cashier = write(story)
    if as_json:
        tell(found)
        return
    from app.desk.cash_paper import receipt_lines

    for line in receipt_lines(found, operator, cashier):
        say(line)
    if found.prints > 1:
        say(f"COPY {found.prints - 1}")


def _move(kind: str, amount: str, reason: str, *, as_json: bool) -> None:
    async def story(house: House, tx: Tx) -> Named:
        from app.desk import cash
        from billing.cash.model import EntryKind

        one = await cash.move(house, tx, EntryKind(kind), amount, actor=actor(), reason=reason)
        return one, await _cashier(tx, one)

    _tell_shift(write(story), as_json=as_json)


async def _cashier(tx: Tx, one: Shift) -> str:
    from app.desk.auditing import naming

    return (await naming(tx))(one.cashier)


def _tell_shift(done: Named, *, as_json: bool) -> None:
    one, cashier = done
    if as_json:
        tell(one)
    else:
        say(f"shift {one.name} of {cashier} is {one.state}")


def _tell_count(done: Counting, *, as_json: bool) -> None:
    if as_json:
        tell({"shift": done.shift, "counted": [_counted(one) for one in done.counted]})
        return
    for one in done.counted:
        say(f"expected {one.expected}, counted {one.counted}, differs by {one.difference}")
    waits = ": it waits for a second person" if done.shift.state == "counted" else ""
    say(f"shift {done.shift.name} is {done.shift.state}{waits}")


def _counted(one: object) -> dict[str, object]:
    return {name: getattr(one, name) for name in ("expected", "counted", "difference")}


def _show(found: Report, cashier: str) -> None:
    one = found.shift
    say(f"Shift {one.name} of {cashier}, {one.state}, opened {one.opened_at:%Y-%m-%d %H:%M}")
    rows = [
        (str(each.n), each.kind.value, f"{each.amount}", each.receipt, each.account, each.reason)
        for each in found.entries
    ]
    table(("n", "kind", "amount", "receipt", "account", "reason"), rows)
    for total in found.totals:
        for kind, amount in total.kinds.items():
            say(f"{kind}: {amount}")
        say(f"expected: {total.expected}")
        if total.counted is not None:
            say(f"counted: {total.counted}, differs by {total.difference}")
    if found.receipts:
        say(f"{found.receipts} receipts, {found.first_receipt} to {found.last_receipt}")
