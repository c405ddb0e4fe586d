"""Edges: a message, a reboot, a kick. Done at most once, never replayed by reconciliation.

The intent stands in the journal before the target is called. Where it is not certain that nothing
happened, the outcome stays unknown and the action is not asked for again. What waits for a box to
call is pending: the same again tells what became of it, and so does the journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from sqlalchemy import and_, select, update

from gateway.adapters.sdk import Action, Operable
from gateway.provisioning import wishes
from gateway.provisioning.compose import CAUSE_CHARS_MAX, Wish
from gateway.provisioning.keys import key_of
from gateway.provisioning.opening import Targets
from gateway.provisioning.orders import Outcome, ServiceOrder, row_of, storable
from gateway.provisioning.tables import operation, service_order
from runtime.chance import new_id
from runtime.store import Tx
from runtime.telemetry import get_log
from runtime.work import Work
from terms.errors import Invalid, TargetError
from terms.ids import ServiceId, TargetName

REQUEST_CHARS_MAX = 120

_log = get_log()


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """What became of an action at one target. FAILED: for certain nothing happened there."""

    target: TargetName
    outcome: Outcome
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Earlier:
    """How an order stands."""

    order: str
    outcome: Outcome
    error: str

    @classmethod
    def of(cls, order: str, row: Any) -> Self:
        """Read it; of one that is gone nothing is known."""
        if row is None:
            return cls(order=order, outcome=Outcome.UNKNOWN, error="")
        return cls(order=order, outcome=Outcome(row.outcome), error=row.error or "")

    def told(self, target: TargetName) -> Performed:
        """Tell it of a target."""
        return Performed(target=target, outcome=self.outcome, error=self.error)


class Operate:
    """Performs actions on the targets of a service that offer them."""

    def __init__(self, work: Work, targets: Targets) -> None:
        self.work = work
        self.targets = targets

    async def perform(
        self,
        service: ServiceId,
        action: Action,
        *,
        id: str,  # noqa: A002 - the id of what is asked for, as its asker calls it
    ) -> list[Performed]:
        """Do something once for one household, at every target of it that can.

        The same id again is not done again, unless it is known that nothing happened.
        """
        if not 0 < len(id) <= REQUEST_CHARS_MAX:
            raise Invalid("id", f"1 to {REQUEST_CHARS_MAX} characters")
        async with self.work.store.read() as tx:
            wanted = await wishes.of_service(tx, service)
        done = []
        for wish in wanted:
            opened = await self.targets.open(wish.target)
            adapter, target = opened.adapter, opened.target
            if not isinstance(adapter, Operable):
                continue
            if target.is_down or not target.is_working:
                why = target.down_reason or target.parked_reason or "the target is switched off"
                done.append(Performed(target=target.name, outcome=Outcome.FAILED, error=why))
                continue
            done.append(await self._at(adapter, wish, action, f"{id}@{_place(wish)}"))
        return done

    async def became(self, id: str) -> list[Performed]:  # noqa: A002 - as above
        """Tell what became of what was asked for before, wherever it was."""
        o, made = service_order.c, operation.c
        mine = made.request.startswith(f"{id}@", autoescape=True)
        query = select(o.target, o.outcome, o.error).join(operation, o.id == made.order_id)
        async with self.work.store.read() as tx:
            rows = await tx.rows(query.where(mine).order_by(made.request))
        return [
            Performed(target=row.target, outcome=Outcome(row.outcome), error=row.error or "")
            for row in rows
        ]

    async def _at(self, adapter: Operable, wish: Wish, action: Action, request: str) -> Performed:
        order = new_id(self._now(), self.work.chance)
        async with self.work.store.begin() as tx:
            earlier = await self._earlier(tx, request, order)
            if earlier is None:
                await tx.insert(service_order, [row_of(self._intent(order, wish, action))])
            elif earlier.outcome is Outcome.PENDING:
                order = earlier.order
            else:
                return earlier.told(wish.target)
        outcome, error = await _tried(adapter, wish.value.ref, replace(action, request=request))
        async with self.work.store.begin() as tx:
            ended = {
                "outcome": outcome.value,
                "error": storable(error) or None,
                "finished_at": None if outcome is Outcome.PENDING else self._now(),
            }
            c = service_order.c
            # A box that has called meanwhile has said it better.
            unsure = and_(c.id == order, c.outcome.in_([Outcome.OPEN.value, Outcome.PENDING.value]))
            await tx.execute(update(service_order).where(unsure).values(ended))
            row = await tx.first(select(c.outcome, c.error).where(c.id == order))
        return _Earlier.of(order, row).told(wish.target)

    async def _earlier(self, tx: Tx, request: str, order: str) -> _Earlier | None:
        """Find what became of the same request; None where it is ours to do now."""
        new = {"request": request, "order_id": order}
        if await tx.insert_new(operation, [new], key=("request",)):
            return None
        o, made = service_order.c, operation.c
        query = select(o.id, o.outcome, o.error).where(made.request == request)
        row = await tx.first(query.where(o.id == made.order_id).with_for_update(of=operation))
        earlier = _Earlier.of(row.id if row else order, row)
        if earlier.outcome is not Outcome.FAILED:
            return earlier
        again = update(operation).where(made.request == request)
        await tx.execute(again.values(order_id=order))
        return None

    def _intent(self, order: str, wish: Wish, action: Action) -> ServiceOrder:
        return ServiceOrder(
            id=order,
            service=wish.service,
            target=wish.target,
            revision=wish.revision,
            what={action.name: ("", _told(action.params))},
            outcome=Outcome.OPEN,
            cause=action.name[:CAUSE_CHARS_MAX],
            started_at=self._now(),
            finished_at=None,
            error=None,
        )

    def _now(self) -> datetime:
        return self.work.clock.machine_now()


def _place(wish: Wish) -> str:
    """Name where something is done once: at the target, or at one box of it."""
    return key_of(wish.subject, wish.target) if wish.is_of_box else wish.target


async def _tried(adapter: Operable, ref: str, action: Action) -> tuple[Outcome, str]:
    try:
        pending = await adapter.perform(ref, action)
    except TargetError as error:
        # What the error bids the queue do says nothing about what the target did.
        return Outcome.FAILED if error.is_untouched else Outcome.UNKNOWN, str(error)
    except Exception as bug:  # noqa: BLE001 - it may have been done: never repeated
        _log.exception("operate.failed", action=action.name)
        return Outcome.UNKNOWN, repr(bug)
    return (Outcome.DONE, "") if pending is None else (Outcome.PENDING, pending.reason)


def _told(params: Mapping[str, str]) -> str:
    return params.get("text") or ", ".join(f"{key} {params[key]}" for key in sorted(params))
