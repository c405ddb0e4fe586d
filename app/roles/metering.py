"""Usage that targets count is taken: read from each behind its cursor, each record once.

A page is read with no transaction open; then its records and the cursor are written together.
"""

from __future__ import annotations

from app.desk import metering
from app.desk.metering import Outcome
from app.wiring import House
from billing.reads import accounts
from billing.usage.model import SAID_BY_TARGETS
from gateway.provisioning.meters import Page, services_of
from runtime.store import Tx
from runtime.store.audit import because
from terms.ids import TargetName

PAGES_MAX = 50  # of one target in a round, so that no other waits for long
SOURCE = "target."  # before its name: no file and no caller has told the same record


async def read_meters(house: House) -> None:
    """Take what all targets have counted since the last time."""
    for name in await house.meters.names():
        await read_meter(house, name)


async def read_meter(house: House, name: TargetName) -> Outcome:
    """Take what one target has counted, some pages of it."""
    outcome = Outcome()
    for _ in range(PAGES_MAX):
        page = await house.meters.read(name)
        if page is None:
            break
        async with house.store.begin() as tx:
            if await house.meters.move(tx, page):
                await _take(house, tx, page, outcome)
        if not page.has_more:
            break
    return outcome


async def _take(house: House, tx: Tx, page: Page, outcome: Outcome) -> None:
    known, ahead = await _contracts(tx, page), await house.clock.offset(tx)
    rows: list[metering.Row] = [
        (
            n,
            {
                "id": one.id,
                "contract": known.get(one.ref, one.ref),
                "meter": one.meter,
                "quantity": one.quantity,
                "at": (one.used_at + ahead).isoformat(),
            },
        )
        for n, one in enumerate(page.uses, 1)
    ]
    source, actor = f"{SOURCE}{page.target}", f"target:{page.target}"
    mine = Outcome()
    with because("read off the target"):
        await metering.take(
            house, tx, source, rows, actor=actor, outcome=mine, said=SAID_BY_TARGETS
        )
    outcome.taken += mine.taken
    outcome.refused_count += mine.refused_count
    if count := mine.refused_count + mine.taken.contradicting:
        await house.meters.refuse(tx, page.target, count, _last_reason(page, mine))


def _last_reason(page: Page, mine: Outcome) -> str:
    if mine.refused:
        last = mine.refused[-1]
        return f"{page.uses[last.line - 1].id[:80]}: {last.field}: {last.why}"
    contradiction = mine.taken.contradictions[-1]
    return f"{contradiction.told.id}: {contradiction}"


async def _contracts(tx: Tx, page: Page) -> dict[str, str]:
    """Tell whose contract each key of the target means.

    One that stands for nobody waits as it was told: by it a household is signed up.
    """
    services = await services_of(tx, page.target, [one.ref for one in page.uses])
    holders = await accounts.known(tx, filter(None, services.values()))
    return {
        # No contract has a colon.
        ref: holders[home].contract if home and home in holders else f"{page.target}:{ref}"
        for ref, home in services.items()
    }
