"""`boxoffice reconcile`, `drift`, `orders`, `parked`, `entitlements replay`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.actor import Reason, actor
from app.cli.speak import Json, read, run, say, table, tell, write

if TYPE_CHECKING:
    from app.desk.replay import Replayed
    from app.wiring import House
    from runtime.store import Tx

SHOWN = 50

Target = Annotated[str, typer.Option("--target", help="Only this target.")]
Limit = Annotated[int, typer.Option(min=1, max=5000, help="How many, the newest first.")]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("reconcile")(reconcile)
    cli.command("drift")(drift)
    cli.command("orders")(orders)
    parking = typer.Typer(help="Work that waits for a person.", no_args_is_help=True)
    parking.command("list")(parked)
    parking.command("release")(release)
    cli.add_typer(parking, name="parked")
    rights = typer.Typer(help="The rights of services.", no_args_is_help=True)
    rights.command("replay")(replay)
    cli.add_typer(rights, name="entitlements")


def reconcile(
    contract: Annotated[str, typer.Argument(help="A contract; without it, everybody.")] = "",
    *,
    target: Target = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Bring targets in line with what they should hold."""

    async def story(house: House, tx: Tx) -> int:
        from app.desk import targets

        return await targets.look_again(house, tx, contract, actor(), target=target or None)

    count = write(story, reason=reason)
    if as_json:
        tell({"marked": count})
    else:
        say(f"{count} to be looked at (by a running `boxoffice serve`)")


def drift(
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Have all of it repaired.")] = False,
    target: Target = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Show what targets hold differently. As the last scans found it."""

    async def story(house: House) -> tuple[list[Any], int]:
        from app.desk import targets
        from gateway.provisioning.targets import find
        from gateway.reads import drift as reads

        marked = 0
        if repair:
            async with house.store.begin() as tx:
                marked = await targets.repair(house, tx, actor(), target=target or None)
        async with house.store.read() as tx:
            name = (await find(tx, target)).name if target else None
            return list(await reads.open_drift(tx, rows_max=SHOWN, target=name)), marked

    found, marked = run(story, reason=reason)
    if as_json:
        tell({"open": found, "marked": marked})
        return
    rows = [(d.target, d.ref, d.kind.value, _changes(d.fields)) for d in found]
    table(("target", "account", "is", "held -> wished"), rows)
    if repair:
        say(f"{marked} being repaired")


def orders(
    *,
    contract: Annotated[str, typer.Option(help="Only this contract.")] = "",
    limit: Limit = SHOWN,
    as_json: Json = False,
) -> None:
    """Show the journal of what was done at the targets."""

    async def story(_: House, tx: Tx) -> list[Any]:
        from app.desk.boxes import holder_of
        from gateway.reads import orders as reads

        service = (await holder_of(tx, contract)).service if contract else None
        return list(await reads.latest(tx, orders_max=limit, service=service))

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (f"{o.started_at:%F %T}", o.target, o.outcome.value, o.error or _changes(o.what), o.cause)
        for o in found
    ]
    table(("at (UTC)", "target", "ended", "what", "why"), rows)


def parked(*, limit: Limit = SHOWN, as_json: Json = False) -> None:
    """List what was set aside, with its reason: work, and payments that fit nobody."""

    async def story(_: House, tx: Tx) -> list[Any]:
        from app.desk.parked import parked as read_parked

        return await read_parked(tx, rows_max=limit)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            p.kind,
            p.contract or p.reference,
            f"{p.since:%F %T}",
            p.reason.strip().splitlines()[-1],
            p.key,
        )
        for p in found
    ]
    table(("kind", "of", "since (UTC)", "why", "key"), rows)


def release(
    kind: Annotated[str, typer.Argument(help="The kind of work.")],
    key: Annotated[str, typer.Argument(help="Its key, as `parked list` shows it.")],
    *,
    alike: Annotated[
        bool, typer.Option("--alike", help="All of its kind and target for the same reason, too.")
    ] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Let what was set aside be tried again."""

    async def story(house: House, tx: Tx) -> int:
        from app.desk import targets

        let_go = targets.release_like if alike else targets.release_work
        return await let_go(house, tx, kind, key, actor())

    count = write(story, reason=reason)
    if as_json:
        tell({"released": count})
    elif alike and count:
        say(f"{count} tried again")
    else:
        say("it is tried again" if count else "nothing was parked under this key")


def replay(*, reason: Reason = "", as_json: Json = False) -> None:
    """Work everything out anew that follows from the books, as after the loss of work rows.

    Accounts are settled, services composed, charges not decided yet looked up. No money is
    charged twice, and targets change only where they differ.
    """

    async def story(house: House, tx: Tx) -> Replayed:
        from app.desk.replay import replay as replay_all

        return await replay_all(house, tx, actor())

    found = write(story, reason=reason)
    if as_json:
        tell(found)
        return
    say(f"{found.accounts} accounts to be settled")
    say(f"{found.services} services to be composed")
    say(f"{found.attempts} charges to be looked at")
    say(f"{found.events} messages of payment providers to be read")
    say("(by a running `boxoffice serve`)")


def _changes(fields: Any) -> str:
    return ", ".join(f"{name}: {held} -> {wished}" for name, (held, wished) in fields.items())
