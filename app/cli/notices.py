"""`boxoffice notices`: how every notice reads, and what went out to whom."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.speak import Json, complain, read, say, table, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.desk.messages import Told
    from app.wiring import House
    from messages.preview import Sample
    from runtime.store import Tx


class Channel(StrEnum):
    """By which channel."""

    SCREEN = "screen"
    MAIL = "mail"
    SMS = "sms"


class Became(StrEnum):
    """What became of it."""

    BEGUN = "begun"
    SENT = "sent"
    WAITING = "waiting"
    FAILED = "failed"
    LATE = "late"
    UNKNOWN = "unknown"


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="What households are told.", no_args_is_help=True)
    group.command("preview")(preview)
    group.command("log")(log)
    cli.add_typer(group, name="notices")


def preview(
    kind: Annotated[str, typer.Argument(help="The kind of notice; all of them.")] = "",
    *,
    file: Annotated[
        Path | None, typer.Option(help="An operator.toml with other texts; the published ones.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show how notices read in every language, with samples in their places; nothing is sent."""
    found = _told(file) if file else read(_published)
    found = [one for one in found if kind in {"", one.kind}]
    if not found:
        raise complain(f"there is no notice {kind}")
    if as_json:
        tell(found)
        return
    for one in found:
        channels = ", ".join(one.via)
        say(f"{one.kind} ({one.language}) by {'all of ' if one.way == 'all' else ''}{channels}")
        say(f"  screen   {one.screen}")
        say(f"  sms      {one.sms}  [{one.length}]")
        say(f"  subject  {one.subject}")
        for line in one.mail.strip().splitlines():
            say(f"  mail     {line}")
        say("")


def log(
    *,
    contract: Annotated[str, typer.Option(help="For the household of this contract.")] = "",
    channel: Annotated[Channel | None, typer.Option(help="By this channel.")] = None,
    kind: Annotated[str, typer.Option(help="Of this kind.")] = "",
    outcome: Annotated[Became | None, typer.Option(help="Of which this became.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Begun since then, in UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=5000, help="How many, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """Show what went out: to whom, by which channel, when, and what became of it."""

    async def story(_: House, tx: Tx) -> Sequence[Told]:
        from app.desk.messages import Asked, reading

        asked = Asked(
            contract=contract,
            channel=channel or "",
            kind=kind,
            outcome=outcome or "",
            since=since.replace(tzinfo=UTC) if since else None,
        )
        return await reading(tx, asked, rows_max=limit)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            f"{one.delivery.begun_at:%F %T}",
            one.contract,
            one.delivery.via.value,
            one.delivery.to,
            one.delivery.kind,
            one.delivery.outcome.value,
            one.delivery.why,
        )
        for one in found
    ]
    table(("at (UTC)", "contract", "channel", "to", "kind", "became", "why"), rows)


async def _published(_: House, tx: Tx) -> Sequence[Sample]:
    from app.desk.messages import wordings

    return await wordings(tx)


def _told(file: Path) -> Sequence[Sample]:
    """Read the texts of a file. Leaves with what is wrong with it."""
    import os

    from app.imports.operator import read_operator
    from app.imports.problems import Problems
    from messages.preview import previews

    problems = Problems()
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise complain(f"{file}: {error.strerror}") from None
    operator = read_operator(raw, os.environ, problems)
    if operator is None:
        raise complain("; ".join(str(one) for one in problems))
    return list(previews(operator.notices, operator=operator.business.name))
