"""/accounts, where something is wrong: look again, restart boxes, see who did what and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.desk import mending
from app.desk.boxes import holder_of
from app.web.api.shapes import OptionalText, Page, Paging, page
from app.web.api.ways import ask, change, look
from app.web.route import Body, Call
from gateway.provisioning.operate import Performed
from runtime.chance import new_id
from runtime.store import Tx, audit


class Why(Body):
    """Why, for whoever reads the history later."""

    reason: OptionalText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartView:
    """What became of a restart at one target; of `unknown` nobody knows, and it is not repeated."""

    target: str
    outcome: str
    error: str

    @classmethod
    def of(cls, done: Performed) -> RestartView:
        """Show it."""
        return cls(target=done.target, outcome=done.outcome.value, error=done.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarts:
    """What became of a restart, by target; nothing where no target can restart boxes."""

    items: list[RestartView]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedView:
    """Who did what, why, and what was so before and after."""

    at: datetime
    actor: str
    action: str
    reason: str
    before: str | None
    after: str | None

    @classmethod
    def of(cls, line: audit.Line) -> DeedView:
        """Show a deed."""
        deed = line.deed
        return cls(
            at=deed.at,
            actor=deed.actor,
            action=deed.action,
            reason=deed.reason,
            before=deed.before,
            after=deed.after,
        )


async def restore(call: Call, tx: Tx) -> mending.Restored:
    """Have money, rights and targets of a household looked at again, whatever was set aside.

    Nothing is given that is not paid for.
    """
    return await mending.restore(
        call.house, tx, call.part("contract"), actor=call.actor, reason=call.body.reason
    )


async def restart(call: Call) -> Restarts:
    """Restart the boxes of a household. With an Idempotency-Key they are restarted once."""
    house = call.house
    done = await mending.restart(
        house,
        call.part("contract"),
        id=call.once or new_id(house.clock.machine_now(), house.chance),
        actor=call.actor,
        reason=call.body.reason,
    )
    return Restarts(items=[RestartView.of(one) for one in done])


async def history(call: Call) -> Page[DeedView]:
    """List who did what to a household, the newest first."""
    query: Paging = call.query
    contract = call.part("contract")
    (behind,) = query.behind(int) or (None,)
    async with call.house.store.read() as tx:
        await holder_of(tx, contract)
        wanted = audit.Wanted(subjects=(f"contract:{contract}",))
        found = await audit.lines(tx, wanted, lines_max=query.limit + 1, behind=behind)
    return page(found, query.limit, DeedView.of, lambda line: (line.position,))


ROUTES = (
    change("accounts/{contract}/restore", restore, mending.Restored, body=Why),
    ask("accounts/{contract}/restart", restart, Restarts, body=Why),
    look("accounts/{contract}/history", history, Page[DeedView], query=Paging),
)
