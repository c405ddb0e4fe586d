"""`method` rows: a payment method is described by its provider, or forgotten there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from app.desk.asking import ask
from app.wiring import House
from billing.flows import upkeep
from billing.flows.upkeep import Found, Kept
from runtime.work import Claim, Failure, Handler, Parking
from terms.errors import Permanent, TargetError, Throttled, Unauthorized

KIND = "method"
ROWS_MAX = 20
AGAIN = timedelta(minutes=5)


def handler(house: House) -> Handler:
    """Make the handler of a batch: prepare, call one after the other, record."""

    async def handle(claims: Sequence[Claim]) -> None:
        async with house.store.read() as tx:
            kept = await upkeep.prepare(tx, [claim.key for claim in claims])
        found: list[tuple[Kept, Found]] = []
        later: dict[str, tuple[timedelta, str]] = {}
        stuck: dict[str, str] = {}
        for one in kept:
            if one.provider not in house.providers:
                later[one.id] = AGAIN, f"no provider {one.provider} is set up"
                continue
            try:
                found.append((one, await ask(one.provider, upkeep.call(house.desk, one))))
            except TargetError as error:
                if isinstance(error, Permanent) and not isinstance(error, Unauthorized):
                    stuck[one.id] = str(error)
                else:
                    wait = timedelta(seconds=_wait_s(error))
                    later[one.id] = wait, str(error)
        machine_now = house.clock.machine_now()
        async with house.store.begin() as tx:
            await upkeep.record(house.desk, tx, found)
            await house.work.fail(
                tx,
                [
                    Failure(
                        claim=claim,
                        error=later[claim.key][1],
                        not_before=machine_now + later[claim.key][0],
                        counts=False,
                    )
                    for claim in claims
                    if claim.key in later
                ],
            )
            parked = [Parking(claim=c, error=stuck[c.key]) for c in claims if c.key in stuck]
            await house.work.park(tx, parked)
            over = [c for c in claims if c.key not in later and c.key not in stuck]
            await house.work.complete(tx, over)

    return handle


def _wait_s(error: TargetError) -> float:
    return error.retry_after_s if isinstance(error, Throttled) else AGAIN.total_seconds()
