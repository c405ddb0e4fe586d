"""`boxoffice usage`: what households use, told in files; and what waits because nobody has it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import Reason, actor
from app.cli.speak import Json, complain, counted, read, run, say, table, tell, write

if TYPE_CHECKING:
    from app.desk.metering import Outcome
    from app.wiring import House
    from billing.flows.usage import Taken
    from billing.reads.usage import TotalView, WaitingView
    from billing.usage.model import Record
    from gateway.reads.meters import MeterView
    from runtime.store import Tx

Limit = Annotated[int, typer.Option(min=1, max=500, help="How many.")]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="What households use.", no_args_is_help=True)
    group.command("take")(take)
    group.command("show")(show)
    group.command("waiting")(waiting)
    group.command("release")(release)
    group.command("dismiss")(dismiss)
    group.command("meters")(meters)
    cli.add_typer(group, name="usage")


def take(
    file: Annotated[
        Path, typer.Argument(help="CSV, or .jsonl: id, contract, meter, quantity, at.")
    ],
    *,
    source: Annotated[
        str, typer.Option(help="Who counted: the ids of a source name its records for ever.")
    ] = "file",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Take the usage records of a file, each once; ends with 1 where one was refused.

    So it does where one says something else than the last time.
    """

    async def story(house: House) -> Outcome:
        from app.desk import metering
        from app.imports.usage_file import rows

        return await metering.take_all(house, source, rows(file), actor())

    found = run(story, reason=reason)
    if as_json:
        tell(found)
    else:
        for one in found.refused:
            why = f"{one.field}: {one.why}" if one.field else one.why
            say(f"{file.name}, line {one.line}: {why}")
        _told(found.taken)
    if found.refused_count:
        refused = counted(found.refused_count, "record was", "records were")
        raise complain(f"{refused} refused, all others are taken")
    if many := found.taken.contradicting:
        say_else = counted(many, "record says", "records say")
        raise complain(f"{say_else} something else than before, which stays as it was")


def show(
    contract: Annotated[str, typer.Argument(help="The household's contract.")],
    *,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """Show what a household has used, the newest period first."""

    async def story(_: House, tx: Tx) -> list[TotalView]:
        from billing.reads import usage

        return await usage.of_contract(tx, contract, limit=limit)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            one.offering,
            f"{one.period_start} to {one.period_end}",
            f"{one.quantity} {one.meter}",
            str(one.records),
            str(one.cost),
        )
        for one in found
    ]
    table(("offering", "period", "used", "records", "net"), rows)


def waiting(
    *,
    contract: Annotated[str, typer.Option(help="Only those of this contract.")] = "",
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List the records that nobody has, and why."""

    async def story(_: House, tx: Tx) -> list[WaitingView]:
        from billing.reads import usage

        return await usage.waiting(tx, contract=contract, limit=limit)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            one.source,
            one.id,
            one.contract,
            f"{one.quantity} {one.meter}",
            f"{one.used_at:%Y-%m-%d %H:%M}",
            one.reason,
        )
        for one in found
    ]
    table(("source", "id", "contract", "used", "at (UTC)", "why"), rows)


def release(
    contract: Annotated[str, typer.Argument(help="Only those of this contract.")] = "",
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Look again at the records that wait."""

    async def story(house: House, tx: Tx) -> Taken:
        from app.desk import metering

        return await metering.release(house, tx, contract, actor())

    found = write(story, reason=reason)
    if as_json:
        tell(found)
    else:
        _told(found)


def dismiss(
    source: Annotated[str, typer.Argument(help="As the list shows it.")],
    record: Annotated[str, typer.Argument(help="Its id, as the list shows it.")],
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Set a record aside that nobody will ever have."""

    async def story(house: House, tx: Tx) -> Record:
        from app.desk import metering

        return await metering.dismiss(house, tx, source, record, actor(), reason=reason)

    gone = write(story)
    if as_json:
        tell(gone)
    else:
        say(f"{gone.source} {gone.id} of {gone.contract} is set aside")


def meters(*, as_json: Json = False) -> None:
    """List the targets that count usage: how far each was read, and what was refused of it."""

    async def story(_: House, tx: Tx) -> list[MeterView]:
        from gateway.reads import meters

        return await meters.meters(tx)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (one.target, f"{one.read_at:%Y-%m-%d %H:%M}", str(one.told), str(one.refused), one.reason)
        for one in found
    ]
    table(("target", "read at (UTC)", "told", "refused", "the last because"), rows)


def _told(taken: Taken) -> None:
    for one in taken.contradictions:
        say(f"{one.told.id}: {one}")
    say(
        f"{taken.counted} counted, {taken.free} free, {taken.waiting} waiting,"
        f" {taken.known} known already, {taken.contradicting} contradicting"
    )
