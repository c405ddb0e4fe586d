"""/accounts, where something is wrong: look again, restart boxes, tell the household something, see
who did what and why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from app.desk import mending
from app.desk.boxes import holder_of
from app.desk.mending import TEXT_CHARS_MAX
from app.web.api.shapes import PRINTED, OptionalText, Page, Paging, page, something
from app.web.api.ways import ask, change, look
from app.web.route import Body, Call
from gateway.provisioning.operate import Performed
from runtime.chance import new_id
from runtime.store import Tx, audit

ScreenText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=TEXT_CHARS_MAX),
    Field(json_schema_extra={"pattern": PRINTED}),
    AfterValidator(something),
]


class Why(Body):
    """Why, for whoever reads the history later."""

    reason: OptionalText = ""


class Telling(Body):
    """What stands on the screens of the household."""

    text: ScreenText


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneAt:
    """What became of it at one target; of `unknown` nobody knows, and it is not repeated."""

    target: str
    outcome: str
    error: str

    @classmethod
    def of(cls, done: Performed) -> DoneAt:
        """Show it."""
        return cls(target=done.target, outcome=done.outcome.value, error=done.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneOnce:
    """What became of it, by target; nothing where no target of the household can do that."""

    items: list[DoneAt]

    @classmethod
    def of(cls, done: Iterable[Performed]) -> DoneOnce:
        """Show all of it."""
        return cls(items=[DoneAt.of(one) for one in done])


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


async def restart(call: Call) -> DoneOnce:
    """Restart the boxes of a household. With an Idempotency-Key they are restarted once."""
    why: Why = call.body
    done = await mending.restart(
        call.house, call.part("contract"), id=_id(call), actor=call.actor, reason=why.reason
    )
    return DoneOnce.of(done)


async def tell(call: Call) -> DoneOnce:
    """Show a text on the screens of a household. With an Idempotency-Key it is shown once.

    A box that has to call first may take an hour for it.
    """
    told: Telling = call.body
    done = await mending.tell(
        call.house, call.part("contract"), told.text, id=_id(call), actor=call.actor
    )
    return DoneOnce.of(done)


def _id(call: Call) -> str:
    return call.once or new_id(call.house.clock.machine_now(), call.house.chance)


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
    ask("accounts/{contract}/restart", restart, DoneOnce, body=Why),
    ask("accounts/{contract}/message", tell, DoneOnce, body=Telling),
    look("accounts/{contract}/history", history, Page[DeedView], query=Paging),
)
