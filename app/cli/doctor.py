"""`boxoffice doctor`: whether everything the product leans on is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from app.cli.speak import FAILED, Json, look, say, tell

if TYPE_CHECKING:
    from app.wiring import House


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at; where it `warns` nothing is wrong, but somebody should know."""

    what: str
    ok: bool
    told: str
    warns: bool = False


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("doctor")(doctor)


def doctor(*, as_json: Json = False) -> None:
    """Check all that the product leans on. Exit code 1 where something is bad."""
    found = look(examined)
    if as_json:
        tell(found)
    else:
        for one in found:
            word = "BAD " if not one.ok else "WARN" if one.warns else "ok  "
            say(f"{word} {one.what}: {one.told}")
    if not all(one.ok for one in found):
        raise typer.Exit(FAILED)


async def examined(house: House) -> list[Finding]:
    """Look at everything; whatever is bad never hides the rest."""
    from app.desk import business

    async with house.store.read() as tx:
        about = await business.find(tx)
    name = f"{about.name}, {about.currency}, {about.zone}" if about else "none was imported yet"
    providers = ", ".join(sorted(house.providers)) or "none is configured"
    return [
        Finding(what="database", ok=True, told=_place(house)),
        _private(house),
        *_database_file(house),
        Finding(what="operator", ok=about is not None, told=name),
        Finding(what="payment providers", ok=bool(house.providers), told=providers),
        await _mail(house),
        *await _targets(house),
        await _parked(house),
        await _brake(house),
    ]


def _place(house: House) -> str:
    return f"{'SQLite' if house.store.is_sqlite else 'PostgreSQL'}, in this version's shape"


def _private(house: House) -> Finding:
    """Whether the files with secrets are their owner's alone."""
    from app.identity.tokens import TOKEN_FILE
    from runtime.secrets import KEY_FILE

    folder = house.settings.data_dir
    secret = [path for path in (folder / KEY_FILE, folder / TOKEN_FILE) if path.exists()]
    open_ = [path.name for path in secret if path.stat().st_mode & 0o077]
    told = f"others can read {', '.join(open_)}" if open_ else "readable by their owner alone"
    return Finding(what="secret files", ok=not open_, told=told)


def _database_file(house: House) -> list[Finding]:
    """Whether the embedded database is its owner's alone; a group may be meant to read it."""
    import shlex
    from pathlib import Path

    if not house.store.is_sqlite:
        return []
    file = str(Path(str(house.store.url.database)).resolve())
    paths = [path for end in ("", "-wal", "-shm") if (path := Path(file + end)).exists()]
    open_ = [str(path) for path in paths if path.stat().st_mode & 0o077]
    told = "readable by its owner alone"
    if open_:
        told = f"others on this machine can read what households owe: chmod 600 {shlex.join(open_)}"
    return [Finding(what="database file", ok=True, told=told, warns=bool(open_))]


async def _mail(house: House) -> Finding:
    """Whether the mail server lets us in; that there is none is a choice."""
    from terms.errors import TargetError

    if house.mail is None:
        return Finding(what="mail", ok=True, told="none is configured")
    try:
        await house.mail.probe()
    except TargetError as error:
        return Finding(what="mail", ok=False, told=str(error))
    return Finding(what="mail", ok=True, told="answers")


async def _targets(house: House) -> list[Finding]:
    from app.desk import targets
    from terms.errors import BoxofficeError

    found = []
    for name, target in (await house.targets.load()).items():
        if not target.enabled:
            continue
        try:
            health = await targets.probe(house, name)
            told = "; ".join(health.warnings) or "answers"
            found.append(Finding(what=f"target {name}", ok=not health.warnings, told=told))
        except BoxofficeError as error:
            found.append(Finding(what=f"target {name}", ok=False, told=str(error)))
    return found or [Finding(what="targets", ok=False, told="none is configured")]


async def _parked(house: House) -> Finding:
    from app.desk.parked import parked as read_parked

    async with house.store.read() as tx:
        parked = await read_parked(tx, rows_max=100)
    told = f"{len(parked)} wait for a person (boxoffice parked list)" if parked else "nothing waits"
    return Finding(what="parked work", ok=not parked, told=told)


async def _brake(house: House) -> Finding:
    """Whether dunning stands still until somebody lets it go on."""
    from app.desk import dunning

    async with house.store.read() as tx:
        found = await dunning.brake(tx)
    if found is None or found.stopped_at is None:
        return Finding(what="dunning", ok=True, told="goes on")
    told = f"the brake holds {found.waiting} accounts back (boxoffice dunning brake)"
    return Finding(what="dunning", ok=False, told=told)
