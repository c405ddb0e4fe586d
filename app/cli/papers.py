"""`boxoffice invoice void`, `goodwill`, `proforma`, `statement`: documents of a household."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.accounts import Contract
from app.cli.actor import Reason, actor
from app.cli.amounts import typed_or_all
from app.cli.moves import day
from app.cli.speak import Json, read, run, say, table, tell, write

if TYPE_CHECKING:
    from app.wiring import House
    from billing.flows.goodwill import Forgiven
    from billing.invoicing.proforma import Proforma
    from billing.reads.statements import Statement
    from billing.sellers.model import Seller
    from runtime.store import Tx

_DAY = ["%Y-%m-%d"]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="What a person decides about an invoice.", no_args_is_help=True)
    group.command("void")(void)
    cli.add_typer(group, name="invoice")
    cli.command("goodwill")(goodwill)
    cli.command("proforma")(proforma)
    cli.command("statement")(statement)


def void(
    number: Annotated[str, typer.Argument(help="The invoice, like INV-00000012.")],
    *,
    recharge: Annotated[
        bool, typer.Option("--recharge", help="Charge its days again, as they cost now.")
    ] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Call an invoice void: a credit note gives all of it back; its number stays taken.

    With --recharge an invoice that takes its place follows in the same breath.
    """

    async def story(house: House, tx: Tx) -> None:
        from app.desk import documents

        await documents.void(house, tx, number, actor(), reason=reason, is_charged_again=recharge)

    write(story)
    if as_json:
        tell({"invoice": number, "done": "void"})
    else:
        say(f"{number} is void")


def goodwill(
    line: Annotated[str, typer.Argument(help="The line, like INV-00000012.3.")],
    *,
    reference: Annotated[str, typer.Option(help="The same one again is the same goodwill.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit and for who asks later.")],
    amount: Annotated[
        str | None,
        typer.Option(help="Like 5.00; with its tax where the price of the line has it."),
    ] = None,
    percent: Annotated[str | None, typer.Option(help="Like 10%, of what the line charged.")] = None,
    as_json: Json = False,
) -> None:
    """Give back of a line for no days of it, at most what it still holds, by a credit note."""

    async def story(house: House, tx: Tx) -> Forgiven:
        from app.desk import goodwill as forgiving

        return await forgiving.give(
            house,
            tx,
            line,
            amount=typed_or_all(amount),
            percent=percent,
            reason=reason,
            reference=reference,
            actor=actor(),
        )

    done = write(story)
    if as_json:
        tell(done)
    else:
        again = "" if done.is_new else ", as it was before"
        say(f"{done.amount} of {line} is given back by {done.note}{again}")


def proforma(
    contract: Contract,
    *,
    on: Annotated[
        datetime | None,
        typer.Option(
            formats=_DAY, help="All that is due by the end of this day; today unless said."
        ),
    ] = None,
    valid: Annotated[int, typer.Option(min=0, max=366, help="For how many days it stands.")] = 14,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Write down what a household would be billed, in a series of its own; nothing is booked."""

    async def story(house: House) -> Proforma:
        from app.desk import documents

        return await documents.proforma(
            house, contract, actor(), billed_on=day(on), valid_days=valid, reason=reason
        )

    made = run(story)
    if as_json:
        tell(made)
        return
    _say_seller(made.seller)
    say(f"{made.number} of {made.issued_on}, valid until {made.valid_until}: {made.total}")
    for line in made.lines:
        say(f"  {line.amount}  {line.label}  ({line.period_start} to {line.period_end})")
    for group in made.groups:
        say(f"  {group.amount}  {group.tax} {group.rate} of {group.net}")


def statement(
    contract: Contract,
    *,
    since: Annotated[
        datetime | None,
        typer.Option(formats=_DAY, help="The first day; of the month before, unless said."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="The last day; today unless said.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell what a household owed, every document and payment since, and what it owes."""

    async def story(house: House, tx: Tx) -> Statement:
        from app.desk import documents

        return await documents.statement(house, tx, contract, day(since), day(until))

    found = read(story)
    if as_json:
        tell(found)
        return
    _say_seller(found.seller)
    say(f"{found.contract}  {found.name}  {found.from_on} to {found.to_on}")
    say(f"owed before: {found.opening}")
    rows = [
        (str(one.on), one.kind.replace("_", " "), one.document, f"{one.amount}", f"{one.balance}")
        for one in found.lines
    ]
    table(("day", "what", "document", "amount", "owed then"), rows)
    say(f"owed after: {found.closing}")


def _say_seller(one: Seller | None) -> None:
    for line in one.lines if one else ():
        say(line)
