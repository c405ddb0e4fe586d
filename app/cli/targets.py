"""`boxoffice targets`, `drift`, `reconcile`, `orders`, `entitlements`: the gateway's side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.actor import Reason, actor
from app.cli.speak import Json, guarded, look, read, run, say, table, tell, write

if TYPE_CHECKING:
    from app.wiring import House
    from gateway.provisioning.drift import ScanReport
    from runtime.store import Tx


Name = Annotated[str, typer.Argument(help="The target's name.")]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Look at targets and decide for them.", no_args_is_help=True)
    group.command("kinds")(kinds)
    group.command("list")(listing)
    group.command("probe")(probe)
    group.command("scan")(scan)
    group.command("release")(release)
    group.command("enable")(enable)
    group.command("disable")(disable)
    group.command("approve")(approve)
    group.command("reject")(reject)
    cli.add_typer(group, name="targets")


def kinds(*, as_json: Json = False) -> None:
    """List the installed kinds of targets and providers."""
    from billing.payments import registry as providers
    from gateway.adapters import registry

    found = guarded(lambda: {"targets": registry.kinds(), "payments": providers.kinds()})
    if as_json:
        tell(found)
        return
    for what, names in found.items():
        say(f"{what}: {', '.join(names) or 'none'}")


def listing(*, as_json: Json = False) -> None:
    """List the configured targets and how they are."""

    async def story(house: House, tx: Tx) -> list[Any]:
        from gateway.reads import targets

        return await targets.targets(tx, now=house.clock.machine_now())

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [(t.name, t.kind, t.condition.value, str(t.guard.base), t.reason) for t in found]
    table(("target", "kind", "is", "on", "why"), rows)


def probe(name: Name, *, as_json: Json = False) -> None:
    """Ask a target how it is. Credentials, version, dangerous settings."""

    async def story(house: House) -> Any:
        from app.desk import targets

        return await targets.probe(house, name)

    health = look(story)
    if as_json:
        tell(health)
        return
    say(f"{name} answers{f' as version {health.version}' if health.version else ''}")
    for warning in health.warnings:
        say(f"warning: {warning}")


def scan(name: Name, *, reason: Reason = "", as_json: Json = False) -> None:
    """Compare a target with what it should hold."""

    async def story(house: House) -> ScanReport:
        from app.desk import targets

        return await targets.scan(house, name, actor())

    report = run(story, reason=reason)
    if as_json:
        tell(report)
        return
    say(
        f"{report.seen} accounts seen: {report.differing} differ, {report.missing} missing, "
        f"{report.orphans} not ours, {report.duplicates} twice; {report.marked} being repaired"
        + (f"; {report.silent} did not answer" if report.silent else "")
    )


def release(name: Name, *, reason: Reason = "", as_json: Json = False) -> None:
    """Try a target again that refused our credentials."""

    async def story(house: House, tx: Tx) -> bool:
        from app.desk import targets

        return await targets.release_target(house, tx, name, actor())

    done = write(story, reason=reason)
    if as_json:
        tell({"released": done})
    else:
        say(f"{name} is tried again" if done else f"{name} was not set aside")


def enable(name: Name, *, reason: Reason = "", as_json: Json = False) -> None:
    """Switch a target on: what waits for it is done."""
    _switch(name, reason, on=True, as_json=as_json)


def disable(name: Name, *, reason: Reason = "", as_json: Json = False) -> None:
    """Switch a target off: its work waits, and an import leaves it off."""
    _switch(name, reason, on=False, as_json=as_json)


def _switch(name: str, reason: str, *, on: bool, as_json: bool) -> None:
    async def story(house: House, tx: Tx) -> bool:
        from app.desk import targets

        return await targets.switch(house, tx, name, actor(), on=on, reason=reason)

    done, word = write(story), "on" if on else "off"
    if as_json:
        tell({"switched": done})
    else:
        say(f"{name} is switched {word}" if done else f"{name} was switched {word} before")


def approve(name: Name, *, reason: Reason = "", as_json: Json = False) -> None:
    """Let households go dark that the guard stopped."""
    _decide(name, "approve", "go dark", reason, as_json=as_json)


def reject(name: Name, *, reason: Reason = "", as_json: Json = False) -> None:
    """Keep households on that the guard stopped."""
    _decide(name, "reject", "stay on", reason, as_json=as_json)


def _decide(name: str, verb: str, words: str, reason: str, *, as_json: bool) -> None:
    async def story(house: House, tx: Tx) -> int:
        from app.desk import targets

        decide = {"approve": targets.approve, "reject": targets.reject}[verb]
        return await decide(house, tx, name, actor(), reason=reason)

    count = write(story)
    if as_json:
        tell({"count": count})
    else:
        say(f"{count} households {words}")
