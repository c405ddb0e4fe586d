"""`boxoffice bank`: statements of banks, and what of them waits for a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import Reason, actor
from app.cli.amounts import typed_or_all
from app.cli.speak import Json, counted, read, run, say, table, tell, write

if TYPE_CHECKING:
    from app.desk.banking import Outcome
    from app.wiring import House
    from billing.flows.bank.lay import Stored
    from billing.flows.bank.review import WaitingLine
    from billing.reads.bank import AsideLine, StatementView
    from runtime.store import Tx

Line = Annotated[str, typer.Argument(help="The line's id, as the review list shows it.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="How many.")]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Statements of banks.", no_args_is_help=True)
    group.command("take")(take)
    group.command("statements")(statements)
    group.command("review")(review)
    group.command("assign")(assign)
    group.command("return")(take_back)
    group.command("suspend")(suspend)
    group.command("undo")(undo)
    group.command("aside")(aside)
    group.command("outside")(outside)
    group.command("retry")(retry)
    cli.add_typer(group, name="bank")


def take(
    file: Annotated[Path, typer.Argument(help="CAMT.053 or MT940.")],
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Take a statement: each line once, however often and in whatever file it comes."""

    async def story(house: House) -> Outcome:
        from app.desk import banking
        from billing.bank.reading import FILE_BYTES_MAX
        from terms.errors import Invalid

        try:
            with file.open("rb") as opened:
                data = opened.read(FILE_BYTES_MAX + 1)
        except OSError as error:
            raise Invalid("file", f"{file}: {error.strerror}") from None
        return await banking.take_all(house, data, actor())

    found = run(story, reason=reason)
    if as_json:
        tell(found)
        return
    for one in found.statements:
        say(one)
    states = [f"{count} {state}" for state, count in sorted(found.states.items())]
    say(", ".join([*states, f"{found.known} known already"]))


def statements(
    account: Annotated[str, typer.Argument(help="Only those of this IBAN of ours.")] = "",
    *,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List the statements that were taken, the newest first, and the gaps between them."""

    async def story(_: House, tx: Tx) -> list[StatementView]:
        from billing.reads import bank

        return await bank.statements(tx, account=account, limit=limit)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            one.account,
            one.id,
            f"{one.opened_on} to {one.closed_on}",
            f"{one.opening}",
            f"{one.closing}",
            str(one.lines),
            f"{one.gap} is missing before it" if one.gap else "",
        )
        for one in found
    ]
    table(("account", "statement", "days", "opening", "closing", "lines", "gap"), rows)


def review(*, limit: Limit = 50, as_json: Json = False) -> None:
    """List the lines that wait for a person: why, and whose they may be."""

    async def story(_: House, tx: Tx) -> list[WaitingLine]:
        from billing.flows.bank.review import review

        return await review(tx, limit=limit)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            one.id,
            str(one.booked_on),
            f"{one.amount}",
            one.name,
            one.text,
            f"{one.state}: {one.why}",
            ", ".join(f"{maybe.of or maybe.number} ({maybe.why})" for maybe in one.candidates),
        )
        for one in found
    ]
    table(("line", "booked", "amount", "name", "text", "state", "candidates"), rows)


def assign(
    line: Line,
    to: Annotated[list[str], typer.Argument(help="A contract; or several, each CONTRACT=AMOUNT.")],
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Give a line to an account, or split it; what else waits of its payer then follows."""

    async def story(house: House, tx: Tx) -> Stored:
        from app.desk import banking
        from billing.flows.bank.decide import Share

        parts = [each.partition("=") for each in to]
        shares = [
            Share(contract=contract, amount=typed_or_all(amount if cut else None))
            for contract, cut, amount in parts
        ]
        return await banking.assign(house, tx, line, shares, actor(), reason=reason)

    done = write(story)
    _tell(done, f"goes to {', '.join(to)}", as_json=as_json)


def take_back(
    line: Line,
    of: Annotated[
        str,
        typer.Argument(
            help="The line of the payment that it takes back; of a split one LINE.2. Or a debit."
        ),
    ],
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Say which payment a line takes back."""

    async def story(house: House, tx: Tx) -> Stored:
        from app.desk import banking

        return await banking.take_back(house, tx, line, of, actor(), reason=reason)

    _tell(write(story), f"takes back {of}", as_json=as_json)


def undo(line: Line, *, reason: Reason = "", as_json: Json = False) -> None:
    """Take a line back that went to accounts, or was set aside, by mistake: it waits again."""

    async def story(house: House, tx: Tx) -> Stored:
        from app.desk import banking

        return await banking.undo(house, tx, line, actor(), reason=reason)

    _tell(write(story), "waits again, for a person", as_json=as_json)


def suspend(line: Line, *, reason: Reason = "", as_json: Json = False) -> None:
    """Send a line from the review list to suspense: it is none of its candidates'."""

    async def story(house: House, tx: Tx) -> Stored:
        from app.desk import banking

        return await banking.suspend(house, tx, line, actor(), reason=reason)

    _tell(write(story), "lies in suspense", as_json=as_json)


def aside(
    line: Line,
    *,
    provider: Annotated[
        str, typer.Option(help="The payment provider that paid out by it, if one did.")
    ] = "",
    reason: Annotated[
        str, typer.Option(help="Why; needed unless a provider paid out. It is kept and shown.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Say that a line is no customer's, and why."""

    async def story(house: House, tx: Tx) -> Stored:
        from app.desk import banking

        return await banking.set_aside(house, tx, line, actor(), provider=provider, reason=reason)

    _tell(write(story), "is no customer's", as_json=as_json)


def outside(*, limit: Limit = 50, as_json: Json = False) -> None:
    """List the lines that people have set aside, the last first, and why."""

    async def story(_: House, tx: Tx) -> list[AsideLine]:
        from billing.reads import bank

        return await bank.asides(tx, limit=limit)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (one.id, str(one.booked_on), f"{one.amount}", one.name, one.provider, one.reason)
        for one in found
    ]
    table(("line", "booked", "amount", "name", "provider", "why"), rows)


def retry(*, reason: Reason = "", as_json: Json = False) -> None:
    """Look again at all that waits: whoever has signed up since may be found."""

    async def story(house: House) -> int:
        from app.desk import banking

        return await banking.retry(house, actor())

    found = run(story, reason=reason)
    if as_json:
        tell({"found": found})
    else:
        say(f"{counted(found, 'line waits', 'lines wait')} no longer")


def _tell(done: Stored, said: str, *, as_json: bool) -> None:
    if as_json:
        tell(done)
    else:
        say(f"{done.line.amount} of {done.line.booked_on} {said}")
