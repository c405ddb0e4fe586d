"""`boxoffice notices`: how every notice reads, and what went out to whom."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.speak import Json, complain, counted, read, run, say, table, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.desk.announcing import Outlook, Said
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
    group.command("announce")(announce)
    group.command("decline")(decline)
    cli.add_typer(group, name="notices")


def preview(
    kind: Annotated[str, typer.Argument(help="The kind of notice; all of them.")] = "",
    *,
    file: Annotated[
        Path | None, typer.Option(help="Other texts: an operator.toml, or its [notices] alone.")
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


def announce(
    text: Annotated[
        list[str], typer.Argument(help="What is said: en=TEXT, and in other languages de=TEXT.")
    ],
    *,
    segment: Annotated[
        str | None,
        typer.Option(help="To this segment, '' for the usual one; to everybody unless said."),
    ] = None,
    digest: Annotated[
        str, typer.Option(help="Send it: the digest that was told when it was looked at.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Why, for the audit.")] = "",
    as_json: Json = False,
) -> None:
    """Look at an announcement; with its digest, send it, by the channels nobody has declined."""
    if digest:
        found = run(partial(_say, text, segment, digest), reason=reason)
        if as_json:
            tell(found)
        else:
            said = "was announced within a day already" if found.again else "goes out"
            say(f"announcement {found.id} {said}")
        return
    outlook = read(partial(_foresee, text, segment))
    if as_json:
        tell(outlook)
        return
    rows = [
        (one.sample.language, str(one.households), one.sample.screen) for one in outlook.readers
    ]
    table(("language", "households", "what they read"), rows)
    say(f"Nothing is sent. To send it to {counted(outlook.households, 'household', 'households')},")
    say(f"say the same with --digest {outlook.digest}")


async def _foresee(told: Sequence[str], segment: str | None, house: House, tx: Tx) -> Outlook:
    from app.desk import announcing

    with announcing.as_written(_name):
        texts = announcing.read_texts(told)
        return await announcing.foresee(house, tx, texts, segment=segment)


async def _say(told: Sequence[str], segment: str | None, digest: str, house: House) -> Said:
    from app.cli.actor import actor
    from app.desk import announcing

    with announcing.as_written(_name):
        texts = announcing.read_texts(told)
        async with house.store.begin() as tx:
            return await announcing.say(
                house, tx, texts, segment=segment, digest=digest, actor=actor()
            )


def _name(language: str) -> str:
    return language or "text"


def decline(
    contract: Annotated[str, typer.Argument(help="Whose household.")],
    channel: Annotated[Channel, typer.Argument(help="By which channel.")],
    *,
    again: Annotated[bool, typer.Option("--again", help="Take them again.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the audit.")] = "",
    as_json: Json = False,
) -> None:
    """Send a household no announcements by a channel any more."""

    async def story(house: House) -> list[str]:
        from app.cli.actor import actor
        from app.desk import leaving
        from messages.plan import Via

        async with house.store.begin() as tx:
            via = Via(channel.value)
            await leaving.say(house, tx, contract, via, is_declined=not again, actor=actor())
            return sorted(await leaving.declined(tx, contract))

    found = run(story, reason=reason)
    if as_json:
        tell({"declined": found})
        return
    say(f"{contract} declines: {', '.join(found) or 'nothing'}")


async def _published(_: House, tx: Tx) -> Sequence[Sample]:
    from app.desk.messages import wordings

    return await wordings(tx)


def _told(file: Path) -> Sequence[Sample]:
    """Read the texts of a file, and nothing else of it. Leaves with what is wrong with it."""
    from app.cli.dunning import text_of
    from app.imports.rules_file import read_text
    from messages.policy import read_policy
    from messages.preview import OPERATOR, check_lengths, previews
    from messages.sms.gateway import PARTS
    from terms.errors import Invalid

    text = text_of(file)
    try:
        policy = read_policy(read_text(text, "notices"))
        most = read_text(text, "sms").get("parts_max", PARTS)
        check_lengths(policy, most if isinstance(most, int) else PARTS)
        name = read_text(text, "operator").get("name", OPERATOR)
    except Invalid as error:
        raise complain(f"{file}: {error}") from None
    return list(previews(policy, operator=str(name)))
