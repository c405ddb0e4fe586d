"""Opening a house on a database of the right shape: brought up to date, or refused.

The library that migrates is met only where there is something to migrate: it is slow to import.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache

from app.identity import tokens
from app.migrations import LOCATION, whole
from app.sealing import SealsAnew, check_key, check_sealed
from app.settings import Settings
from app.wiring import House, build, closing
from gateway.adapters.sdk import Boxes
from runtime.store import Tx
from terms.errors import DomainError
from terms.ids import TargetName

_HAS_TABLE = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'",
    "postgresql": "SELECT (to_regclass('alembic_version') IS NOT NULL)::int",
}
_NUMBER_CHARS = 4
_OLDER = "the database has an older shape than this version: run `boxoffice migrate` first"


async def bring_up(settings: Settings) -> tuple[str, str]:
    """Migrate to this version's shape; returns the revision before and after.

    Of several at once one does it; the others find it done. Raises DomainError for a database that
    a newer version has changed, or whose key is lost.
    """
    await check_key(settings)
    async with closing(build(settings)) as house:
        found = await current(house)
        _check_known(house, found)
        before = await _migrate(house, found)
        await _first_token(house)
        return before, newest()


@asynccontextmanager
async def open_house(
    settings: Settings,
    *,
    boxes_at: Callable[[TargetName], Boxes] | None = None,
    only_reads: bool = False,
) -> AsyncIterator[House]:
    """Build a house, see to its database, open its payment providers; close it afterwards.

    Raises DomainError where the master key is lost, before another one is made. For whoever only
    reads no database is brought up to date, unless there is nothing in it yet.
    """
    await check_key(settings)
    async with closing(build(settings, boxes_at=boxes_at)) as house:
        await (_make_sure_of_old(house) if only_reads else make_sure(house))
        async with house.store.read() as tx:
            await check_sealed(tx, house.sealer)
        await house.refresh_providers()
        yield house


@asynccontextmanager
async def open_to_seal_anew(settings: Settings) -> AsyncIterator[House]:
    """Build a house whose lost secrets an import writes anew; its key is made if it is missing."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with closing(build(settings, sealer=SealsAnew.of(settings))) as house:
        await make_sure(house)
        yield house


async def make_sure(house: House) -> None:
    """Bring an embedded database up to date; a shared one must be so already.

    Raises DomainError where `boxoffice migrate` has to run first, and for a database that a newer
    version has changed.
    """
    found = await current(house)
    _check_known(house, found)
    if found != newest() and not house.store.is_sqlite:
        raise DomainError(_OLDER)
    await _migrate(house, found)
    await _first_token(house)


async def _make_sure_of_old(house: House) -> None:
    found = await current(house)
    if not found:
        await make_sure(house)
        return
    _check_known(house, found)
    if found != newest():
        raise DomainError(_OLDER)


async def current(house: House) -> str:
    """Tell the revision the database stands at; empty where nothing was ever migrated."""
    async with house.store.read() as tx:
        return await revision(tx)


async def revision(tx: Tx) -> str:
    """Tell the same of any database of ours."""
    ((exists,),) = await tx.fetch(_HAS_TABLE[tx.engine])
    rows = await tx.fetch("SELECT version_num FROM alembic_version") if exists else ()
    return str(rows[0][0]) if rows else ""


def newest() -> str:
    """Tell the newest revision of the stream: its file carries the highest number."""
    return max(revisions())


@cache
def revisions() -> frozenset[str]:
    """Name every revision that this version knows."""
    names = (path.name for path in (LOCATION / "versions").glob("[0-9]*.py"))
    return frozenset(name[:_NUMBER_CHARS] for name in names)


def _check_known(house: House, found: str) -> None:
    if found and found not in revisions():
        raise DomainError(
            f"the database {house.store.url.database} has the shape {found!r} of another version, "
            f"this one knows up to {newest()}: run the version that wrote it, or put back a backup "
            "made before"
        )


async def _migrate(house: House, found: str) -> str:
    """Migrate what another process has not; returns the revision as this one had its turn."""
    before = found
    if not found and house.store.is_sqlite:
        before, found = await _make(house)
    if found != newest():
        from runtime.store import migrate  # noqa: PLC0415 - see above

        before = await migrate.upgrade(house.settings.database_url, LOCATION) or ""
    return before


async def _make(house: House) -> tuple[str, str]:
    """Give an empty database its whole shape at once, unless another process has.

    Returns the revision before and after.
    """
    async with house.store.begin() as tx:
        before = await revision(tx)
        if not before:
            for statement in whole.statements(whole.SCRIPT.read_text("utf-8")):
                await tx.driver(statement)
        return before, await revision(tx)


async def _first_token(house: House) -> None:
    now = house.clock.machine_now()
    await tokens.make_first(house.store, house.settings.data_dir, house.chance, now)
