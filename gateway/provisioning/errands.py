"""Errands in the database: left in one process, done once by the one that the box has reached.

Begun is written before anything is sent, and what is begun is never begun again. What came of it
is written back to the order as well, so that it stands there whoever asked is still alive or not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import and_, delete, func, or_, select, update

from gateway.adapters.errands import ENDED, UNMET, Action, Errand, Stage
from gateway.provisioning.orders import Outcome, storable
from gateway.provisioning.tables import errand as table
from gateway.provisioning.tables import operation, service_order
from runtime import crash
from runtime.chance import new_id
from runtime.store import Tx
from runtime.work import Work
from terms.errors import (
    Conflict,
    Permanent,
    Retryable,
    TargetError,
    Unauthorized,
    Unreachable,
    Unsupported,
    untouched,
)
from terms.ids import TargetName

BELL = "errand"
LOOK_EVERY_S = 0.2
WAITING_PER_BOX_MAX = 20
SWEEP_ROWS_MAX = 500
# Longer than any session, and than any restart is waited for.
STUCK_AFTER = timedelta(minutes=15)
KEPT = timedelta(days=7)
# What an order says that may still be told better: that it may have been done, for one.
_OPEN_ORDERS = (Outcome.OPEN, Outcome.PENDING, Outcome.UNKNOWN)
_OUTCOMES: Mapping[Stage, Outcome] = {
    Stage.DONE: Outcome.DONE,
    Stage.FAILED: Outcome.FAILED,
    Stage.UNKNOWN: Outcome.UNKNOWN,
}
_ERRORS: Mapping[str, type[TargetError]] = {
    one.__name__: one
    for one in (Unreachable, Retryable, Conflict, Permanent, Unauthorized, Unsupported)
}
_C = table.c


class Errands:
    """The errands of one target."""

    def __init__(self, target: TargetName, work: Work) -> None:
        self.target = target
        self.work = work

    # -- whoever wants something

    async def leave(self, ref: str, action: Action, *, key: str, within_s: float) -> Errand:
        """Write down what is to be done, and until when; the same request is the same errand.

        One that failed is left anew. Raises Retryable, untouched, where too much waits already.
        """
        now = self._now()
        id_ = new_id(now, self.work.chance)
        request = action.request or id_
        fresh = {
            "name": action.name,
            "params": orjson.dumps(dict(action.params)).decode(),
            "key": key,
            "stage": Stage.WAITING.value,
            "error_kind": "",
            "error": "",
            "not_after": action.not_after or now + timedelta(seconds=within_s),
            "begun_at": None,
            "ended_at": None,
        }
        row = {"id": id_, "target": self.target, "ref": ref, "request": request, **fresh}
        async with self.work.store.begin() as tx:
            if await tx.insert_new(table, [row], key=("request",)):
                await self._check_room(tx, ref)
            failed = and_(_C.request == request, _C.stage == Stage.FAILED.value)
            await tx.execute(update(table).where(failed).values(**fresh))
            return _of(await tx.first(select(table).where(_C.request == request)))

    async def look(self, errand: Errand, *, during: Collection[Stage], within_s: float) -> Errand:
        """Wait for an errand to leave these stages, so long at most, and tell how it stands."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_s
        while errand.stage in during and (left_s := until_s - loop.time()) > 0:
            await self.work.store.bell.wait(BELL, min(left_s, LOOK_EVERY_S))
            async with self.work.store.read() as tx:
                errand = await self._as_it_stands(tx, errand)
        return errand

    async def withdraw(self, errand: Errand, why: TargetError) -> Errand:
        """Take back what nobody has begun, and tell how it stands."""
        async with self.work.store.begin() as tx:
            await self._end(tx, errand.id, Stage.FAILED, why, of={Stage.WAITING})
            return await self._as_it_stands(tx, errand)

    # -- whoever the box has reached

    async def begin(self, ref: str) -> Errand | None:
        """Take the next errand of a box that is here; from now on nobody else does it."""
        now = self._now()
        waits = and_(self._of(ref), _C.stage == Stage.WAITING.value, _C.not_after > now)
        query = select(table).where(waits).order_by(_C.id).limit(1).with_for_update()
        async with self.work.store.begin() as tx:
            row = await tx.first(query)
            if row is None:
                return None
            mine = and_(_C.id == row.id, _C.stage == Stage.WAITING.value)
            taken = {"stage": Stage.BEGUN.value, "begun_at": now}
            if not (await tx.execute(update(table).where(mine).values(**taken))).rowcount:
                return None  # another session of the same box was quicker
        crash.reach("after_begin")
        return _of(row)

    async def end(self, errand: Errand, stage: Stage, why: TargetError | None = None) -> None:
        """Say what became of an errand that was begun."""
        async with self.work.store.begin() as tx:
            await self._end(tx, errand.id, stage, why, of={Stage.BEGUN})

    async def restarted(self, ref: str, keys: Collection[str], *, has_forgotten: bool) -> None:
        """Note that a box brings proofs of restarts, or is as it left the factory."""
        # A key proves its restart also where the box's word on it was lost.
        proven = _C.key.in_([key for key in keys if key])
        awaited = _C.stage.in_([Stage.BEGUN, Stage.ASKED, Stage.UNKNOWN])
        wiped = and_(_C.key == "", _C.stage == Stage.ASKED.value)
        brought = or_(and_(proven, awaited), wiped) if has_forgotten else and_(proven, awaited)
        async with self.work.store.begin() as tx:
            for row in await tx.rows(select(_C.id).where(self._of(ref), brought)):
                of = {Stage.BEGUN, Stage.ASKED, Stage.UNKNOWN}
                await self._end(tx, row.id, Stage.DONE, None, of=of)

    # -- whoever keeps the house

    async def sweep(self) -> None:
        """End what nobody will end any more, and forget what ended long ago."""
        now = self._now()
        late = and_(_C.stage == Stage.WAITING.value, _C.not_after <= now)
        begun = _C.stage.in_([Stage.BEGUN, Stage.ASKED])
        stuck = and_(begun, _C.begun_at <= now - STUCK_AFTER)
        over = select(_C.id, _C.stage).where(_C.target == self.target, or_(late, stuck))
        async with self.work.store.begin() as tx:
            for row in await tx.rows(over.order_by(_C.id).limit(SWEEP_ROWS_MAX)):
                if row.stage == Stage.WAITING:
                    why = Unreachable("the box did not call in time")
                    await self._end(tx, row.id, Stage.FAILED, why, of={Stage.WAITING})
                else:
                    lost = Unreachable("nobody knows whether the box has done it")
                    await self._end(tx, row.id, Stage.UNKNOWN, lost, of={Stage(row.stage)})
            ended = _C.stage.in_([one.value for one in ENDED])
            old = and_(_C.target == self.target, ended, _C.ended_at <= now - KEPT)
            await tx.execute(delete(table).where(old))

    # -- rows

    async def _end(
        self, tx: Tx, id_: str, stage: Stage, why: TargetError | None, *, of: Collection[Stage]
    ) -> None:
        """Bring an errand from one of these stages to another, and its order with it."""
        now = self._now()
        told = {
            "stage": stage.value,
            "error_kind": _kind_of(why) if why else "",
            "error": storable(str(why)) if why else "",
            "ended_at": now if stage in ENDED else None,
        }
        mine = and_(_C.id == id_, _C.stage.in_([one.value for one in of]))
        moved = await tx.execute(update(table).where(mine).values(**told))
        tx.ring((BELL,))
        if not moved.rowcount or stage not in ENDED:
            return
        request = select(_C.request).where(_C.id == id_).scalar_subquery()
        order = select(operation.c.order_id).where(operation.c.request == request)
        c = service_order.c
        unsure = and_(c.id.in_(order), c.outcome.in_([one.value for one in _OPEN_ORDERS]))
        ended = {"outcome": _OUTCOMES[stage], "error": told["error"] or None, "finished_at": now}
        await tx.execute(update(service_order).where(unsure).values(**ended))

    async def _as_it_stands(self, tx: Tx, errand: Errand) -> Errand:
        row = await tx.first(select(table).where(_C.id == errand.id))
        return errand if row is None else _of(row)

    async def _check_room(self, tx: Tx, ref: str) -> None:
        unmet = [stage.value for stage in UNMET]
        query = select(func.count()).where(self._of(ref), _C.stage.in_(unmet))
        if await tx.scalar(query) > WAITING_PER_BOX_MAX:
            raise untouched(Retryable("too much waits for this box to call"))

    def _of(self, ref: str) -> Any:
        return and_(_C.target == self.target, _C.ref == ref)

    def _now(self) -> datetime:
        return self.work.clock.machine_now()


def _of(row: Any) -> Errand:
    stage = Stage(row.stage)
    error: TargetError | None = None
    if row.error_kind:
        error = _ERRORS[row.error_kind](row.error)
        error.is_untouched = stage is Stage.FAILED
    action = Action(
        name=row.name,
        params=orjson.loads(row.params),
        request=row.request,
        not_after=row.not_after,
    )
    return Errand(id=row.id, ref=row.ref, action=action, key=row.key, stage=stage, error=error)


def _kind_of(error: TargetError) -> str:
    """Name the nearest class of an error that can be made again from its text."""
    names = (one.__name__ for one in type(error).__mro__)
    return next((name for name in names if name in _ERRORS), Permanent.__name__)
