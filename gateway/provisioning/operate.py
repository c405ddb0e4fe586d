"""Edges: a message, a reboot, a kick. Done at most once, never replayed by reconciliation.

The intent stands in the journal before the target is called; an answer that got lost stays
unknown and is not asked for again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from gateway.adapters.sdk import Action, Operable
from gateway.provisioning import wishes
from gateway.provisioning.compose import Wish
from gateway.provisioning.opening import Targets
from gateway.provisioning.orders import Outcome
from gateway.provisioning.tables import service_order as table
from runtime.store import Tx
from runtime.telemetry import get_log
from runtime.work import Work
from terms.errors import TargetError, Unreachable
from terms.ids import ServiceId, TargetName

CAUSE_CHARS_MAX = 160
ID_CHARS_MAX = 120

_log = get_log()


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """What became of an action at one target. FAILED means that nothing happened there."""

    target: TargetName
    outcome: Outcome
    error: str = ""


class Operate:
    """Performs actions on the targets of a service that offer them."""

    def __init__(self, work: Work, targets: Targets) -> None:
        self.work = work
        self.targets = targets

    async def perform(self, service: ServiceId, action: Action, *, id: str) -> list[Performed]:  # noqa: A002 - the id of what is asked for
        """Do something once for one household, at every target of it that can.

        The same id again is not done again, unless it is known that nothing happened.
        """
        if not 0 < len(id) <= ID_CHARS_MAX:
            raise ValueError(f"an id has 1 to {ID_CHARS_MAX} characters")
        async with self.work.store.read() as tx:
            standing = (await wishes.of_services(tx, [service])).get(service, {})
        done = []
        for target, one in sorted(standing.items()):
            opened = await self.targets.open(target)
            adapter = opened.adapter
            if not isinstance(adapter, Operable):
                continue
            if opened.target.is_down or not opened.target.is_working:
                reason = opened.target.down_reason or opened.target.parked_reason or "switched off"
                done.append(Performed(target=target, outcome=Outcome.FAILED, error=reason))
                continue
            done.append(await self._at(adapter, one.wish, action, f"{id}@{target}"))
        return done

    async def _at(self, adapter: Operable, wish: Wish, action: Action, key: str) -> Performed:
        async with self.work.store.begin() as tx:
            known = await self._begin(tx, wish, action, key)
        if known is not None:
            return known
        outcome, error = Outcome.DONE, ""
        try:
            await adapter.perform(wish.value.ref, action)
        except Unreachable as lost:
            outcome, error = Outcome.UNKNOWN, str(lost)
        except TargetError as refused:
            outcome, error = Outcome.FAILED, str(refused)
        except Exception as bug:  # noqa: BLE001 - it may have been done: never repeated
            _log.exception("operate.failed", order=key, action=action.name)
            outcome, error = Outcome.UNKNOWN, repr(bug)
        async with self.work.store.begin() as tx:
            await tx.execute(
                update(table)
                .where(table.c.id == key)
                .values(outcome=outcome.value, error=error or None, finished_at=self._now())
            )
        return Performed(target=wish.target, outcome=outcome, error=error)

    async def _begin(self, tx: Tx, wish: Wish, action: Action, key: str) -> Performed | None:
        """Write the intent down; an order that is known already is told instead."""
        now = self._now()
        row = {
            "id": key,
            "service": wish.service,
            "target": wish.target,
            "revision": wish.revision,
            "what": json.dumps({action.name: ("", _told(action.params))}, ensure_ascii=False),
            "outcome": Outcome.OPEN.value,
            "cause": action.name[:CAUSE_CHARS_MAX],
            "started_at": now,
            "finished_at": None,
            "error": None,
        }
        if await tx.insert_new(table, [row], key=("id",)):
            return None
        again = update(table).where(table.c.id == key, table.c.outcome == Outcome.FAILED)
        done = await tx.execute(
            again.values(outcome=Outcome.OPEN.value, started_at=now, finished_at=None, error=None)
        )
        if done.rowcount:
            return None
        row_now = await tx.first(select(table.c.outcome, table.c.error).where(table.c.id == key))
        outcome = Outcome(row_now.outcome) if row_now else Outcome.UNKNOWN
        return Performed(
            target=wish.target, outcome=outcome, error=row_now.error or "" if row_now else ""
        )

    def _now(self) -> datetime:
        return self.work.clock.machine_now()


def _told(params: Mapping[str, str]) -> str:
    return params.get("text") or ", ".join(f"{key} {params[key]}" for key in sorted(params))
