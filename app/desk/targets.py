"""What staff decides about targets and work: look at one, let through, try again; all audited."""

from __future__ import annotations

from collections.abc import Sequence

from app.desk.auditing import note
from app.desk.boxes import holder_of
from app.desk.parked import INTAKE
from app.wiring import House
from billing.flows import receive
from gateway.adapters.sdk import Health
from gateway.provisioning import findings, guard, targets
from gateway.provisioning.drift import ScanReport
from gateway.provisioning.reconcile import mark
from gateway.reads import queue
from runtime.store import Tx
from terms.errors import NotFound
from terms.ids import TargetName

ALIKE_ROWS_MAX = 500
TRIED, NOT_ASIDE = "tried again", "was not set aside"
PARKED_KINDS = frozenset(
    {
        INTAKE,
        "settle",
        "collect",
        "refund",
        "method",
        "page",
        "reward",
        "dunning",
        "recover",
        "compose",
        "reconcile",
        "notify",
        "mail",
        "sms",
        "announce",
    }
)


async def probe(house: House, name: str) -> Health:
    """Ask a target how it is. Raises NotFound, and a TargetError if it fails."""
    return await (await house.targets.open(name)).adapter.probe()


async def approve(house: House, tx: Tx, name: str, actor: str, *, reason: str = "") -> int:
    """Let the darkenings through that the guard stopped; returns how many."""
    count = await guard.approve(tx, house.work, name)
    await note(
        house,
        tx,
        actor=actor,
        action="guard.approve",
        subject=f"target:{name}",
        before=f"{count} held back",
        after=f"{count} let go dark",
        reason=reason,
    )
    return count


async def reject(house: House, tx: Tx, name: str, actor: str, *, reason: str = "") -> int:
    """Keep on what the guard stopped; returns how many."""
    count = await guard.reject(tx, house.work, name)
    await note(
        house,
        tx,
        actor=actor,
        action="guard.reject",
        subject=f"target:{name}",
        before=f"{count} held back",
        after=f"{count} kept on",
        reason=reason,
    )
    return count


async def release_target(house: House, tx: Tx, name: str, actor: str) -> bool:
    """Let a target work again whose credentials were refused."""
    done = await targets.release(tx, name)
    await note(
        house,
        tx,
        actor=actor,
        action="target.release",
        subject=f"target:{name}",
        after="tried again" if done else "was not set aside",
    )
    return done


async def switch(
    house: House, tx: Tx, name: str, actor: str, *, on: bool, reason: str = ""
) -> bool:
    """Let a target be worked on, or its work wait; False where it was so. Raises NotFound."""
    done = await targets.switch(tx, name, on=on)
    if done:
        await note(
            house,
            tx,
            actor=actor,
            action="target.enable" if on else "target.disable",
            subject=f"target:{name}",
            before="switched off" if on else "switched on",
            after="switched on" if on else "switched off: its work waits",
            reason=reason,
        )
    return done


async def repair(
    house: House, tx: Tx, actor: str, *, target: str | None = None, ids: Sequence[str] = ()
) -> int:
    """Have open drift repaired, all of it, that of a target, or single findings."""
    name = None
    if target is not None:
        name = (await targets.find(tx, target)).name
    count = await findings.repair(tx, house.work, target=name, ids=ids)
    await note(
        house,
        tx,
        actor=actor,
        action="drift.repair",
        subject=f"target:{target or '*'}",
        after=f"{count} to be repaired",
    )
    return count


async def release_work(house: House, tx: Tx, kind: str, key: str, actor: str) -> int:
    """Let what is parked be tried again; 0 where it was not parked. Raises NotFound."""
    if kind not in PARKED_KINDS:
        raise NotFound(f"there is no work of kind {kind[:40]!r}", field="kind")
    count = await house.work.release(tx, kind, [key])
    if kind == INTAKE:
        count = max(count, await receive.release(house.desk, tx, [key]))
    await note(
        house,
        tx,
        actor=actor,
        action="work.release",
        subject=f"{kind}:{key}",
        after="tried again" if count else "was not set aside",
    )
    return count


async def release_like(house: House, tx: Tx, kind: str, key: str, actor: str) -> int:
    """Let all be tried again that was set aside for the cause of this row, of its kind and target.

    How much it was; 0 where this row was not set aside. Raises NotFound.
    """
    found = await queue.cause_of(tx, kind, key)
    if found is None:
        return await release_work(house, tx, kind, key, actor)
    target, cause = found
    return await release_alike(house, tx, kind, target, cause=cause, actor=actor)


async def release_alike(
    house: House, tx: Tx, kind: str, target: str, *, cause: str, actor: str
) -> int:
    """Let work that was set aside for one cause be tried again, so much at once; how much it was.

    Raises NotFound.
    """
    if kind not in PARKED_KINDS:
        raise NotFound(f"there is no work of kind {kind[:40]!r}", field="kind")
    keys = await queue.parked_for(tx, kind, target, cause, keys_max=ALIKE_ROWS_MAX)
    count = await house.work.release(tx, kind, keys) if keys else 0
    await note(
        house,
        tx,
        actor=actor,
        action="work.release_alike",
        subject=f"{kind}:{target or '*'}",
        before=cause,
        after=f"{count} tried again",
    )
    return count


async def look_again(
    house: House, tx: Tx, contract: str, actor: str, *, target: str | None = None
) -> int:
    """Have a household, or everybody for "", compared with its targets now; returns how many rows.

    Raises NotFound.
    """
    services = [(await holder_of(tx, contract)).service] if contract else []
    name = TargetName(target) if target else None
    count = await mark(tx, house.work, services=services, target=name)
    subject = f"contract:{contract}" if contract else f"target:{target or '*'}"
    after = f"{count} at {target}" if target else str(count)
    await note(house, tx, actor=actor, action="target.look_again", subject=subject, after=after)
    return count


async def scan(house: House, name: str, actor: str) -> ScanReport:
    """Compare a target with what it should hold, now. Raises NotFound and what the target raises.

    That takes long and is many transactions: who asked for it is written down before.
    """
    async with house.store.begin() as tx:
        await targets.find(tx, name)
        await note(house, tx, actor=actor, action="target.scan", subject=f"target:{name}")
    return await house.drift.scan(name)
