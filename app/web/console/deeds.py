"""What the buttons of the console do, and the sentence each has to say of it."""

from __future__ import annotations

from app.desk import metering, refunds, reviews, targets
from app.web.console.forms import (
    DecideForm,
    DeclineForm,
    DismissForm,
    RefundForm,
    ReleaseForm,
    RepairForm,
    ResolveForm,
    UsageForm,
)
from app.web.page.words import money
from app.web.route import Call
from billing.payments.refunds import RefundState
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


async def enable_target(call: Call, tx: Tx) -> str:
    """Switch a target on."""
    return await _switch(call, tx, on=True, words="on")


async def disable_target(call: Call, tx: Tx) -> str:
    """Switch a target off."""
    return await _switch(call, tx, on=False, words="off: its work waits")


async def _switch(call: Call, tx: Tx, *, on: bool, words: str) -> str:
    name = call.part("name")
    done = await targets.switch(call.house, tx, name, call.actor, on=on, reason=_why(call))
    return f"{name} is switched {words}." if done else f"{name} was so already."


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


async def release_refund(call: Call, tx: Tx) -> str:
    """Let a refund go, as a second person."""
    form: RefundForm = call.form
    done = await refunds.release(call.house, tx, form.id, actor=call.actor)
    if not done.is_new:
        return f"{money(done.amount)} was let go before: nothing changed."
    if all(one.state is RefundState.DONE for one in done.parts):
        return f"{money(done.amount)} is given back: whoever asked for it hands it over."
    return f"{money(done.amount)} goes back: the provider is asked."


async def decline_refund(call: Call, tx: Tx) -> str:
    """Say no to a refund, as a second person."""
    form: DeclineForm = call.form
    done = await refunds.decline(call.house, tx, form.id, actor=call.actor, reason=form.reason)
    return f"{money(done.amount)} is declined: nothing goes back."


async def release_usage(call: Call, tx: Tx) -> str:
    """Look again at the usage that waits of a contract."""
    form: UsageForm = call.form
    taken = await metering.release(call.house, tx, form.contract, call.actor)
    return f"{_counted(taken.counted, 'record', 'records')} counted, {taken.waiting} still wait."


async def dismiss_usage(call: Call, tx: Tx) -> str:
    """Set a record aside that nobody will ever have."""
    form: DismissForm = call.form
    gone = await metering.dismiss(
        call.house, tx, form.source, form.id, call.actor, reason=form.reason.strip()
    )
    return f"{gone.source} {gone.id} is set aside: it is never counted."


async def repair(call: Call, tx: Tx) -> str:
    """Have one finding put right."""
    form: RepairForm = call.form
    count = await targets.repair(call.house, tx, call.actor, ids=[form.id])
    return "It is being repaired." if count else "There was nothing left to repair."
