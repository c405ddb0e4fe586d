"""`boxoffice bill preview`, `release`, `days`, `run`: the whole base, before and while billed."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.actor import Reason, actor
from app.cli.speak import FAILED, Json, counted, look, read, run, say, table, tell, write

if TYPE_CHECKING:
    from app.desk.billdays import Days, DayView
    from app.roles.billing import Ran
    from app.roles.foretold import BillPreview, Rechecked, Sums, Unusual
    from app.wiring import House
    from billing.reads.bills import Named
    from runtime.store import Tx

_DAY = ["%Y-%m-%d"]
TELL_EVERY_S = 1.0


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Bill the whole base.", no_args_is_help=True)
    group.command("preview")(preview)
    group.command("release")(release)
    group.command("days")(days)
    group.command("run")(run_now)
    cli.add_typer(group, name="bill")


def preview(
    *,
    on: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="The bill day; today unless said.")
    ] = None,
    shock: Annotated[
        int,
        typer.Option(min=101, max=10_000, help="Show bills of more than so much percent of usual."),
    ] = 150,
    as_json: Json = False,
) -> None:
    """Say what would be billed, what is unusual and what is broken; no money is written.

    The usual is the median of an account's last three invoices. What is told of a day that waits
    for a person is kept for the console.
    """

    async def story(house: House) -> BillPreview:
        from app.roles import billing

        asked = billing.Asked(day=on.date() if on else None, shock_percent=shock)
        return await billing.preview(house, asked, _progress("looked at"))

    _show(run(story), as_json=as_json)


def release(
    day: Annotated[datetime, typer.Argument(formats=_DAY, help="The bill day, like 2026-04-01.")],
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Let a bill day go, and all before it: what falls due on it is charged from now on."""

    async def story(house: House, tx: Tx) -> DayView:
        from app.desk import billdays

        return await billdays.release(house, tx, day.date(), actor(), reason=reason)

    done = write(story)
    if as_json:
        tell(done)
    else:
        say(f"{done.day} is let go")


def days(*, as_json: Json = False) -> None:
    """List the bill days that wait, and those that were looked at or let go."""

    async def story(house: House, tx: Tx) -> Days:
        from app.desk import billdays

        return await billdays.days(house, tx)

    found = read(story)
    if as_json:
        tell(found)
        return
    waits = (
        f"waits {found.window_days} days for a person" if found.window_days else "waits for nobody"
    )
    say(f"a bill day {waits}")
    table(
        ("day", "state", "goes by itself", "invoices", "total", "let go by"),
        [
            (
                *(str(one.day), one.state.value, str(one.opens_on)),
                " + ".join(str(each.invoices) for each in one.sums),
                " + ".join(each.total for each in one.sums),
                one.released_by,
            )
            for one in found.days
        ],
    )


def run_now(
    *,
    recheck: Annotated[
        datetime | None,
        typer.Option(
            formats=_DAY,
            help="Bill nothing: compute all periods since this day again, say what differs.",
        ),
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Bill everybody who is due, beside a running product too; stopped, it goes on later."""
    if recheck is not None:
        since = recheck.replace(tzinfo=UTC)

        async def compare(house: House) -> Rechecked:
            from app.roles import billing

            return await billing.recheck(house, since, _progress("compared"))

        found = look(compare)
        _show_compared(found, as_json=as_json)
        if not found.is_right:
            raise typer.Exit(FAILED)
        return

    async def story(house: House) -> Ran:
        from app.roles import billing

        return await billing.run(house, _progress("billed"), actor=actor())

    ran = run(story, reason=reason)
    if as_json:
        tell(ran)
    else:
        say(f"{counted(ran.accounts, 'account', 'accounts')} settled, {ran.left} left")
        for day in ran.waiting:
            say(f"{day} waits: `boxoffice bill release {day}` lets it go")
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
    say(f"{counted(found.accounts, 'account', 'accounts')}, bill day {found.day}")
    _sums(found.sums)
    bills = counted(found.shocks_count, "bill is", "bills are")
    _unusual(f"{bills} more than {found.shock_percent} % of usual", found.shocks)
    bills = counted(found.drops_count, "bill is", "bills are")
    _unusual(f"{bills} less than usual by as much", found.drops)
    fresh = counted(found.fresh_count, "account is", "accounts are")
    _named(f"{fresh} billed for the first time", found.fresh)
    gone = counted(found.gone_count, "account was", "accounts were")
    _named(f"{gone} billed a month before, and not now", found.gone)
    _broken(found)


def _show_compared(found: Rechecked, *, as_json: bool) -> None:
    if as_json:
        tell(found)
        return
    say(f"{counted(found.accounts, 'account', 'accounts')} compared since {found.since}")
    say("these stand on the books otherwise" if found.differs else "nothing stands otherwise")
    if found.differs:
        _sums(found.differs)
    if found.due:
        say("these are due and not billed yet: no difference")
        _sums(found.due)
    _broken(found)


def _sums(sums: Mapping[str, Sums]) -> None:
    amounts = [(one, (one.net, one.tax, one.total, one.given_back)) for one in sums.values()]
    table(
        ("currency", "invoices", "net", "tax", "total", "given back"),
        [(one.currency, str(one.invoices), *map("{}".format, each)) for one, each in amounts],
    )


def _broken(found: BillPreview | Rechecked) -> None:
    if found.broken_count:
        say(f"{counted(found.broken_count, 'account', 'accounts')} cannot be billed")
        table(("account", "why"), [(one.number, one.why) for one in found.broken])


def _unusual(what: str, shown: Sequence[Unusual]) -> None:
    if shown:
        say(what)
        rows = [(one.number, one.name, f"{one.total}", f"{one.usual}") for one in shown]
        table(("account", "name", "bill", "usual"), rows)


def _named(what: str, shown: Sequence[Named]) -> None:
    if shown:
        say(what)
        table(("account", "name"), [(one.number, one.name) for one in shown])
