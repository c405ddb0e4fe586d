"""`boxoffice bill preview`, `run`: the whole base, before and while it is billed."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import actor
from app.cli.speak import FAILED, Json, run, say, table, tell

if TYPE_CHECKING:
    from app.roles.billing import BillPreview, Ran
    from app.wiring import House

_DAY = ["%Y-%m-%d"]
TELL_EVERY_S = 1.0


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Bill the whole base.", no_args_is_help=True)
    group.command("preview")(preview)
    group.command("run")(run_now)
    cli.add_typer(group, name="bill")


def preview(
    *,
    on: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="The day that is billed; now unless said.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what would be billed, what is unusual and what is broken; nothing is written."""

    async def story(house: House) -> BillPreview:
        from app.roles import billing

        moment = (on.replace(tzinfo=UTC) + timedelta(days=1)) if on else None
        return await billing.preview(house, moment, _progress("looked at"))

    _show(run(story), as_json=as_json)


def run_now(
    *,
    recheck: Annotated[
        datetime | None,
        typer.Option(
            formats=_DAY,
            help="Bill nothing: compute all periods since this day again, say what differs.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bill everybody who is due, beside a running product too; stopped, it goes on later."""
    if recheck is not None:
        since = recheck.replace(tzinfo=UTC)

        async def compare(house: House) -> BillPreview:
            from app.roles import billing

            return await billing.recheck(house, since, _progress("compared"))

        found = run(compare)
        _show(found, as_json=as_json)
        if found.sums or found.broken_count:
            raise typer.Exit(FAILED)
        return

    async def story(house: House) -> Ran:
        from app.roles import billing

        return await billing.run(house, _progress("billed"), actor=actor())

    ran = run(story)
    if as_json:
        tell(ran)
    else:
        say(f"{ran.accounts} accounts settled, {ran.left} left")
    if ran.left:
        raise typer.Exit(FAILED)


class _Progress:
    """Tells a terminal how far a run is, how fast, and how long it will take."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.begun_s = time.perf_counter()
        self.told_s = 0.0

    def __call__(self, done: int, many: int) -> None:
        now_s = time.perf_counter()
        if not sys.stderr.isatty() or (now_s - self.told_s < TELL_EVERY_S and done < many):
            return
        self.told_s = now_s
        a_second = done / max(now_s - self.begun_s, 0.001)
        left_s = (many - done) / max(a_second, 0.001)
        sys.stderr.write(
            f"\r{done} of {many} {self.word}, {a_second:.0f}/s, {left_s:.0f} s left \033[K"
        )
        if done >= many:
            sys.stderr.write("\n")


def _progress(word: str) -> _Progress:
    return _Progress(word)


def _show(found: BillPreview, *, as_json: bool) -> None:
    if as_json:
        tell(found)
        return
    say(f"{found.accounts} accounts, as of {found.at:%F %T} UTC")
    amounts = [(one, (one.net, one.tax, one.total, one.given_back)) for one in found.sums.values()]
    table(
        ("currency", "invoices", "net", "tax", "total", "given back"),
        [(one.currency, str(one.invoices), *map(str, each)) for one, each in amounts],
    )
    if found.shocks_count:
        say(f"{found.shocks_count} bills are half as large again as usual, or more")
        table(
            ("account", "name", "bill", "usual"),
            [(one.number, one.name, str(one.total), str(one.usual)) for one in found.shocks],
        )
    if found.broken_count:
        say(f"{found.broken_count} accounts cannot be billed")
        table(("account", "why"), [(one.number, one.why) for one in found.broken])
