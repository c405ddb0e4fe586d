"""SQL of the brake: how it stands, who waits behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select

from billing.dunning.brake import WINDOW, Brake, BrakePolicy, Rung
from billing.dunning.store import dunning_brake, dunning_held
from runtime.store import Tx, to_micros
from runtime.store.among import KEYS, among, packed
from runtime.store.prepared import PreparedCommand
from terms.ids import AccountId, InvoiceId

_GONE = PreparedCommand(
    lambda engine: delete(dunning_held).where(among(engine, dunning_held.c.account_id))
)
_TURN = """
    UPDATE dunning_brake
    SET turn = turn + 1, since = {0}, base = {1}, counted = {2}, stopped_at = {3}
    WHERE id = 1 AND turn = {4}
"""
_TURNS = {
    "sqlite": _TURN.format("?1", "?2", "?3", "?4", "?5"),
    "postgresql": _TURN.format("$1", "$2", "$3", "$4", "$5"),
}


class Held(NamedTuple):
    """Who waits for what, and whether somebody has let it go."""

    rung: Rung
    is_released: bool


async def load(tx: Tx) -> Brake | None:
    """Read the brake; None where none is published."""
    row = await tx.first(select(dunning_brake).where(dunning_brake.c.id == 1))
    if row is None:
        return None
    return Brake(
        policy=BrakePolicy(share_percent=row.share_percent, floor=row.floor),
        turn=row.turn,
        since=row.since,
        base=row.base,
        counted=row.counted,
        stopped_at=row.stopped_at,
    )


async def keep_policy(tx: Tx, policy: BrakePolicy, now: datetime) -> None:
    """Publish another policy; who waits stays, and counting begins anew."""
    before = await load(tx)
    row = {
        "id": 1,
        "share_percent": policy.share_percent,
        "floor": policy.floor,
        "turn": before.turn + 1 if before else 0,
        "since": now - WINDOW,
        "base": 0,
        "counted": before.counted if before else 0,
        "stopped_at": before.stopped_at if before else None,
    }
    await tx.upsert(dunning_brake, [row], key=("id",))


async def turn(tx: Tx, brake: Brake) -> None:
    """Write how it stands. Raises Moved, at the latest from the commit, where it moved meanwhile.

    Last of all: whoever waits for this row then holds nothing that others wait for.
    """
    stopped = to_micros(brake.stopped_at) if brake.stopped_at else None
    values = (to_micros(brake.since), brake.base, brake.counted, stopped, brake.turn)
    await tx.expect(_TURNS[tx.engine], values, 1)


async def held(tx: Tx, accounts: Sequence[AccountId]) -> dict[AccountId, Held]:
    """Read who of some accounts waits."""
    c = dunning_held.c
    query = select(dunning_held).where(among(tx.engine, c.account_id))
    return {
        AccountId(row.account_id): Held(
            Rung(InvoiceId(row.invoice_id), row.rung), row.released_at is not None
        )
        for row in await tx.rows(query, {KEYS: packed(tx.engine, sorted(accounts))})
    }


async def keep_waiting(tx: Tx, asked: Mapping[AccountId, Rung], now: datetime) -> None:
    """Write down who waits for which rung."""
    rows = [
        {
            "account_id": key,
            "invoice_id": one.invoice,
            "rung": one.rung,
            "asked_at": now,
            "released_at": None,
            "released_by": "",
        }
        for key, one in sorted(asked.items())
    ]
    await tx.upsert(dunning_held, rows, key=("account_id",))


async def let_go(tx: Tx, accounts: Iterable[AccountId]) -> None:
    """Forget who has climbed."""
    if keys := sorted(accounts):
        await _GONE.run(tx, {KEYS: packed(tx.engine, keys)})
