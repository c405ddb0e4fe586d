"""Opening a house on a database of the right shape: brought up to date, or refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.identity import tokens
from app.migrations import LOCATION
from app.settings import Settings
from app.wiring import House, build, closing
from runtime.store import migrate
from terms.errors import DomainError


async def bring_up(settings: Settings) -> tuple[str, str]:
    """Migrate to this version's shape; returns the revision before and after."""
    async with closing(build(settings)) as house:
        before = await migrate.current(settings.database_url)
        await migrate.upgrade(settings.database_url, LOCATION)
        await _first_token(house)
        return before or "", migrate.head(LOCATION) or ""


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Build a house, see to its database, open its payment providers; close it afterwards."""
    async with closing(build(settings)) as house:
        await make_sure(house)
        await house.refresh_providers()
        yield house


async def make_sure(house: House) -> None:
    """Bring an embedded database up to date; a shared one must be so already.

    Raises DomainError where `boxoffice migrate` has to run first.
    """
    url = house.settings.database_url
    if house.store.is_sqlite:
        await migrate.upgrade(url, LOCATION)
    elif not await is_current(house):
        raise DomainError("the database has another shape: run `boxoffice migrate` first")
    await _first_token(house)


async def is_current(house: House) -> bool:
    """Whether the database has the shape of this version."""
    return await migrate.current(house.settings.database_url) == migrate.head(LOCATION)


async def _first_token(house: House) -> None:
    now = house.clock.machine_now()
    await tokens.make_first(house.store, house.settings.data_dir, house.chance, now)
