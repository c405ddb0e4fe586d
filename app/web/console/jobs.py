"""What technicians have to do, as the console shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.desk import places
from app.desk.names import names
from app.web.page.words import JOBS
from gateway.inventory import jobs
from gateway.inventory.jobs import JobState
from runtime.store import Tx
from terms.ids import ServiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """Something that a technician is to do."""

    what: str
    contract: str
    name: str
    who: str
    note: str
    at: datetime


async def open_jobs(
    tx: Tx, *, jobs_max: int, service: ServiceId | None = None
) -> tuple[JobRow, ...]:
    """List open jobs in the order they were opened, of all or of one household."""
    found = await jobs.listing(tx, state=JobState.OPEN, service=service, jobs_max=jobs_max)
    known = await places.load(tx) if found else None
    who = await names(tx, [one.service for one in found])
    return tuple(
        JobRow(
            what=JOBS[one.kind],
            contract=one.contract,
            name=who[one.service].name if one.service in who else "",
            who=known.who(one.assignee) if known else "",
            note=one.note,
            at=one.opened_at,
        )
        for one in found
    )
