"""What the buttons of the console do, and the sentence each has to say of it."""

from __future__ import annotations

from app.desk import reviews, targets
from app.web.console.forms import DecideForm, ReleaseForm, RepairForm, ResolveForm
from app.web.route import Call
from runtime.store import Tx


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _why(call: Call) -> str:
    form: DecideForm = call.form
    return form.reason.strip()


async def approve(call: Call, tx: Tx) -> str:
    """Let go dark what the guard stopped."""
    name = call.part("name")
    count = await targets.approve(call.house, tx, name, call.actor, reason=_why(call))
    return f"{name}: {_counted(count, 'household goes', 'households go')} dark."


async def reject(call: Call, tx: Tx) -> str:
    """Keep on what the guard stopped."""
    name = call.part("name")
    count = await targets.reject(call.house, tx, name, call.actor, reason=_why(call))
    return f"{name}: {_counted(count, 'household stays', 'households stay')} on."


async def release_target(call: Call, tx: Tx) -> str:
    """Try a target again."""
    name = call.part("name")
    await targets.release_target(call.house, tx, name, call.actor)
    return f"{name} is tried again."


async def release_work(call: Call, tx: Tx) -> str:
    """Try parked work again."""
    form: ReleaseForm = call.form
    count = await targets.release_work(call.house, tx, form.kind, form.key, call.actor)
    return "It is tried again." if count else "It was no longer parked."


async def resolve(call: Call, tx: Tx) -> str:
    """Settle what does not fit about a box."""
    form: ResolveForm = call.form
    done = await reviews.resolve(
        call.house,
        tx,
        form.id,
        form.resolution.strip(),
        actor=call.actor,
        forget_key=form.forget_key == "yes",
    )
    return f"Box {done.serial}: it is settled."


async def repair(call: Call, tx: Tx) -> str:
    """Have one finding put right."""
    form: RepairForm = call.form
    count = await targets.repair(call.house, tx, call.actor, ids=[form.id])
    return "It is being repaired." if count else "There was nothing left to repair."
