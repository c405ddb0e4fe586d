"""Deeds get their links once they are committed; the newest link is told, to be kept elsewhere."""

from __future__ import annotations

from app.wiring import House
from runtime.store import chain
from runtime.store.chain import Link
from runtime.telemetry import get_log
from terms.errors import NotFound

log = get_log()


async def link_deeds(house: House) -> int:
    """Link every deed that is committed for certain; returns how many there were."""
    count = 0
    while True:
        async with house.store.read() as tx:
            if not await chain.is_behind(tx):
                return count
        async with house.store.begin() as tx:
            made = await chain.seal(tx)
        if not made:  # whoever is behind is still being written
            return count
        count += len(made)
        # Kept with the log of the process, it shows whether somebody has rewritten them all.
        log.info("audit.linked", n=made[-1].n, digest=made[-1].digest)


async def tell(house: House, n: int | None) -> Link:
    """Tell the newest link, or the n-th. Raises NotFound."""
    await link_deeds(house)
    async with house.store.read() as tx:
        found = await chain.newest_link(tx) if n is None else await chain.link(tx, n)
    if found is None:
        raise NotFound(f"there is no link {n}")
    return found
