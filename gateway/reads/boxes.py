"""One box since it was registered: gathers what is known of it and tells how far it has come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from gateway.inventory.logins import box_login
from gateway.inventory.model import Resource, ResourceState
from gateway.inventory.reviews import open_of
from gateway.inventory.store import resource_move
from gateway.provisioning import targets
from gateway.provisioning.keys import COMPOSE
from gateway.reads import services
from gateway.reads.advice import progress_of
from gateway.reads.progress import Evidence, Progress, Waiting
from gateway.reads.services import AtTarget
from runtime.store import Tx, from_micros, to_micros
from runtime.work import work
from terms.ids import ServiceId, SubjectId

CASES_MAX = 20


async def progress(tx: Tx, box: Resource, *, now: datetime, business_now: datetime) -> Progress:
    """Tell how far a box has come since its household has it; `now` is machine time."""
    return progress_of(await evidence(tx, box, now=now, business_now=business_now))


async def evidence(tx: Tx, box: Resource, *, now: datetime, business_now: datetime) -> Evidence:
    """Gather all that is known of a box that a household holds."""
    if not box.is_held or box.service is None:
        return Evidence(box=box, now=now)
    known = await services.overview(tx, box.service)
    composing = await _composing(tx, box.service, business_now)
    of_box = [at for at in known.targets if at.subject == SubjectId(box.id)]
    driver = (await targets.drivers(tx)).get(box.model)
    return Evidence(
        box=box,
        now=now,
        bound_at=await _bound_at(tx, box),
        driver=(await targets.load(tx))[driver] if driver else None,
        box_at=next((at for at in of_box if at.target == driver), None),
        accounts=_accounts(known.targets, box, is_composing=composing is not None),
        composing=composing,
        problems=known.problems,
        cases=await open_of(tx, box.serial, cases_max=CASES_MAX),
        address=await _address(tx, box),
    )


def _accounts(at: Sequence[AtTarget], box: Resource, *, is_composing: bool) -> Sequence[AtTarget]:
    """Keep the household's accounts at targets that know boxes by their MACs, or soon will."""
    own = SubjectId(box.service or "")
    accounts = [one for one in at if one.subject == own]
    return [one for one in accounts if is_composing or box.mac in one.wished.devices]


async def _bound_at(tx: Tx, box: Resource) -> datetime | None:
    """Find when the household got the box."""
    c = resource_move.c
    given = (c.resource == box.id, c.state == ResourceState.ASSIGNED.value)
    found = await tx.first(select(c.at).where(*given).order_by(c.n.desc()).limit(1))
    return found.at if found else None


async def _composing(tx: Tx, service: ServiceId, business_now: datetime) -> Waiting | None:
    """Find work on the rights of a service that is due: its newest wish is not made yet."""
    c = work.c
    due = (c.kind == COMPOSE, c.key == service, c.due_at <= to_micros(business_now))
    row = await tx.first(select(c.marked_at, c.error, c.parked_at).where(*due))
    if row is None:
        return None
    return Waiting(
        since=from_micros(row.marked_at),
        error=row.error or "",
        is_parked=row.parked_at is not None,
    )


async def _address(tx: Tx, box: Resource) -> str:
    found = await tx.first(select(box_login.c.address).where(box_login.c.resource == box.id))
    return found.address if found else ""
