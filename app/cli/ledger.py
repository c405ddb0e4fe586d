"""`boxoffice books`, `write-off`: what the books say as a whole, and what is given up of them."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import Reason, actor
from app.cli.speak import Json, check_word, look, run, say, table, tell, write

if TYPE_CHECKING:
    from app.roles.earning import EarnedMonth
    from app.wiring import House
    from billing.flows.write_off import WrittenOff
    from billing.reads.books import Aged, Balance, DeferredMonth
    from runtime.store import Tx

_DAY = ["%Y-%m-%d"]
Until = Annotated[
    datetime | None, typer.Option("--until", formats=_DAY, help="Up to and including this day.")
]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="What the books say as a whole.", no_args_is_help=True)
    group.command("trial")(trial)
    group.command("ageing")(ageing)
    group.command("deferred")(deferred)
    group.command("earn")(earn)
    group.command("export")(export)
    cli.add_typer(group, name="books")
    cli.command("write-off")(write_off)


def trial(*, until: Until = None, as_json: Json = False) -> None:
    """Show the trial balance: what was debited and credited on each book, per currency."""

    async def story(house: House) -> list[Balance]:
        from app.desk import books

        return await books.trial(house, _day(until))

    found = look(story)
    if as_json:
        tell(found)
        return
    rows = [
        (one.book.value, one.party, f"{one.debit}", f"{one.credit}", f"{one.balance}")
        for one in found
    ]
    table(("book", "party", "debit", "credit", "balance"), rows)


def ageing(
    *,
    on: Annotated[
        datetime | None, typer.Option("--on", formats=_DAY, help="As of this day, not today.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what is owed now, by how many days ago it was due."""

    async def story(house: House) -> list[Aged]:
        from app.desk import books

        return await books.ageing(house, _day(on))

    found = look(story)
    if as_json:
        tell(found)
        return
    rows = [
        (one.currency, one.age.value, str(one.open), str(one.invoices), str(one.accounts))
        for one in found
    ]
    table(("currency", "days overdue", "open", "invoices", "accounts"), rows)


def deferred(
    *,
    since: Annotated[
        datetime | None,
        typer.Option(formats=_DAY, help="From the month of this day on; this year's first unless."),
    ] = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Show how deferred revenue went through the months: charged, given back, earned."""

    async def story(house: House) -> list[DeferredMonth]:
        from app.desk import books

        return await books.deferred(house, _day(since), _day(until))

    found = look(story)
    if as_json:
        tell(found)
        return
    amounts = [
        (one.month, (one.opening, one.charged, one.given_back, one.earned, one.closing))
        for one in found
    ]
    rows = [(f"{month:%Y-%m}", *map("{}".format, each)) for month, each in amounts]
    table(("month", "opening", "charged", "given back", "earned", "closing"), rows)


def earn(*, reason: Reason = "", as_json: Json = False) -> None:
    """Earn what was deferred for the months that are over; the scheduler does it by itself."""

    async def story(house: House) -> list[EarnedMonth]:
        from app.roles import earning

        return await earning.run_by_hand(house, actor=actor())

    found = run(story, reason=reason)
    if as_json:
        tell(found)
        return
    rows = [(f"{one.month:%Y-%m}", str(one.accounts), str(one.postings)) for one in found]
    table(("month", "accounts", "earned something"), rows)


def export(
    form: Annotated[str, typer.Option("--format", help="beancount, hledger or ledger.")],
    *,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, help="Booked from this day on.")
    ] = None,
    until: Until = None,
    out: Annotated[
        Path | None, typer.Option(help="A file to write, instead of standard output.")
    ] = None,
) -> None:
    """Write every posting as plain text accounting."""
    from billing.reads.journal import FORMATS, Span

    check_word("--format", form, FORMATS)
    span = Span(since=_day(since), until=_day(until))

    async def story(house: House) -> int:
        from app.desk import books

        if out is None:
            return await books.export(house, form, span, sys.stdout.write)
        # Whoever looks for the file finds all of it or nothing.
        part = out.with_name(f"{out.name}.part")
        with part.open("w", encoding="utf-8") as file:
            count = await books.export(house, form, span, file.write)
        part.replace(out)
        return count

    count = look(story)
    if out is not None:
        say(f"{count} postings in {out}")


def write_off(
    number: Annotated[str, typer.Argument(help="The number of an invoice.")],
    *,
    reason: Annotated[str, typer.Option(help="Why nobody will pay it, for the history.")],
    as_json: Json = False,
) -> None:
    """Give up what is open of an invoice: it is owed no more, and what comes later is credit."""

    async def story(house: House, tx: Tx) -> WrittenOff:
        from app.desk import books

        return await books.write_off(house, tx, number, reason=reason, actor=actor())

    done = write(story)
    if as_json:
        tell(done)
    else:
        before = "" if done.is_new else " before; nothing changed"
        say(f"{done.amount} of {done.number} written off{before}")


def _day(given: datetime | None) -> date | None:
    return given.date() if given else None
