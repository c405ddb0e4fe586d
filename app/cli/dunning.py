"""`boxoffice dunning preview`: what follows from debts, by the rules there are and by others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import By, Reason, actor
from app.cli.speak import Json, complain, read, say, table, tell, write

if TYPE_CHECKING:
    from app.desk.dunning import BrakeView, Outlook
    from app.wiring import House
    from billing.flows.fees_ahead import FeesAhead
    from billing.reads.dunning import First
    from runtime.store import Tx


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="What follows from debts.", no_args_is_help=True)
    group.command("preview")(preview)
    group.command("brake")(brake)
    group.command("release")(release)
    cli.add_typer(group, name="dunning")


def preview(
    file: Annotated[
        Path | None,
        typer.Argument(help="Other rules: an operator.toml, or its [dunning] alone, also as JSON."),
    ] = None,
    *,
    days: Annotated[int, typer.Option(min=0, max=366, help="How many days to look ahead.")] = 30,
    as_json: Json = False,
) -> None:
    """Tell what would happen to whom if nobody paid; nothing is written."""
    text = text_of(file) if file else None

    async def story(house: House, tx: Tx) -> Outlook:
        from app.desk import dunning
        from app.imports.rules_file import read_text

        wished = None if text is None else read_text(text)
        return await dunning.foresee(house, tx, wished, days=days)

    found = read(story)
    if as_json:
        tell(found)
        return
    _show(found)


def brake(*, as_json: Json = False) -> None:
    """Tell whether the brake holds anybody back, and how many may climb the ladder in a day."""

    async def story(_house: House, tx: Tx) -> BrakeView | None:
        from app.desk import dunning

        return await dunning.brake(tx)

    found = read(story)
    if as_json:
        tell(found)
    elif found is None:
        say("no brake: import an operator.toml")
    else:
        say(f"{found.counted} of {found.limit} accounts have climbed within a day")
        if found.stopped_at:
            say(f"stopped since {found.stopped_at:%Y-%m-%d %H:%M} UTC: {found.waiting} wait")


def release(*, by: By = "", reason: Reason = "", as_json: Json = False) -> None:
    """Let go on whom the brake holds back; by nobody who has lately changed the rules."""

    async def story(house: House, tx: Tx) -> int:
        from app.desk import dunning

        return await dunning.release(house, tx, actor(by), reason=reason)

    count = write(story)
    if as_json:
        tell({"count": count})
    else:
        say(f"{count} accounts go on")


def text_of(file: Path) -> str:
    """Read a file. Leaves with what is wrong with it."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise complain(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise complain(f"{file}: not UTF-8") from None


def _show(found: Outlook) -> None:
    from billing.reads.dunning import HAPPENINGS

    now, then = found.published, found.wished
    say(f"{found.accounts} accounts owe; within {found.days} days, if nobody paid:")
    rows = [
        (name.replace("_", " "), str(getattr(now, name)), str(getattr(then, name)))
        for name in HAPPENINGS
    ]
    rows.append(("late fees", _fees(found.fees), _fees(found.fees_wished)))
    table(("", "PUBLISHED", "WISHED"), rows)
    for name in HAPPENINGS:
        if first := getattr(then, f"first_{name}"):
            say("")
            say(f"First {name.replace('_', ' ')}:")
            table(("DAY", "ACCOUNT", "SEGMENT", "OWES"), [_row(one) for one in first])


def _fees(found: FeesAhead) -> str:
    return ", ".join([f"{found.fees}", *(f"{one}" for one in found.amounts.values())])


def _row(one: First) -> tuple[str, ...]:
    return one.on.isoformat(), one.account, one.segment, f"{one.owed}"
