"""Possession facts of the inventory are handed to billing, in their order.

In transactions of their own: whatever is wrong with a fact stops nothing else. One that cannot be
taken is set aside alone, told as an error and counted, and stays in the log under its id.
"""

from __future__ import annotations

from app.wiring import House
from billing.flows.equip import equip
from runtime import log as facts
from runtime.log import READ_ENTRIES_MAX, Entry
from runtime.retry import is_away, is_conflict
from runtime.telemetry import counter, get_log
from terms.facts import PossessionChanged

CONSUMER = "billing.equip"
KINDS = (PossessionChanged.KIND,)

log = get_log()
_set_aside = counter("boxoffice_facts_set_aside", "Facts that could not be taken", "kind")


async def take_possessions(house: House) -> None:
    """Take what is there; the accounts concerned are marked.

    Raises only where the database is at fault, and takes the same again the next time then.
    """
    while True:
        seen: list[Entry] = []
        try:
            await _take(house, seen, entries_max=READ_ENTRIES_MAX)
        except Exception as error:
            if is_away(error) or is_conflict(error) or not seen:
                raise
            await _one_by_one(house, len(seen))
        if len(seen) < READ_ENTRIES_MAX:
            return


async def take_waiting(house: House) -> None:
    """Take what is there; where there is nothing, which is nearly always, nobody is held up."""
    async with house.store.decide() as deciding:
        is_waiting = await facts.has_more(deciding.look, CONSUMER, KINDS)
    if is_waiting:
        await take_possessions(house)


async def _take(house: House, seen: list[Entry], *, entries_max: int) -> None:
    """Take the next facts in one transaction; `seen` tells which, also where taking fails."""
    async with house.store.begin() as tx:
        seen += await facts.read(tx, CONSUMER, KINDS, entries_max=entries_max)
        if seen:
            changed = [(entry.id, PossessionChanged.decode(entry.value)) for entry in seen]
            await equip(house.desk, tx, changed)
            await facts.advance(tx, CONSUMER, seen[-1])


async def _one_by_one(house: House, count: int) -> None:
    for _ in range(count):
        seen: list[Entry] = []
        try:
            await _take(house, seen, entries_max=1)
        except Exception as error:
            if is_away(error) or is_conflict(error) or not seen:
                raise
            await _step_over(house, seen[0], error)


async def _step_over(house: House, bad: Entry, error: Exception) -> None:
    async with house.store.begin() as tx:
        await facts.advance(tx, CONSUMER, bad)
    _set_aside.inc(bad.kind)
    log.error("fact.set_aside", id=bad.id, kind=bad.kind, key=bad.key, exc_info=error)
