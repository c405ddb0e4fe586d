"""Deeds get their links once they are committed; the newest link is told, to be kept elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from app.wiring import House
from runtime.store import chain
from runtime.store.chain import START, Link
from runtime.telemetry import get_log
from terms.errors import NotFound

log = get_log()


async def link_deeds(house: House) -> int:
    """Link every deed that is committed for certain; returns how many there were."""
    count, newest = 0, START
    while made := await _next_links(house):
        count, newest = count + len(made), made[-1]
    if count:
        # Kept with the log of the process, it shows whether somebody has rewritten them all.
        log.info("audit.linked", n=newest.n, digest=newest.digest)
    return count


async def _next_links(house: House) -> Sequence[Link]:
    async with house.store.read() as tx:
        if not await chain.is_behind(tx):
            return ()
    async with house.store.begin() as tx:
        return await chain.seal(tx)


async def tell(house: House, n: int | None) -> Link:
    """Tell the newest link, or the n-th. Raises NotFound."""
    await link_deeds(house)
    async with house.store.read() as tx:
        found = await chain.newest_link(tx) if n is None else await chain.link(tx, n)
    if found is None:
        raise NotFound(f"there is no link {n}")
    return found
