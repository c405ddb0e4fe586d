"""/registrations, /jobs, /strangers, /reviews: what technicians do, and what waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from app.desk import jobs as desk_jobs
from app.desk import reviews as desk_reviews
from app.desk.boxes import By
from app.desk.registration import Registration, register
from app.imports.cells import no_odd_characters
from app.web.api.boxes import BoxView, Place, view
from app.web.api.shapes import (
    Contract,
    Day,
    Mac,
    OptionalText,
    Page,
    Paging,
    Serial,
    Text,
    itself,
    page,
)
from app.web.api.ways import change, look
from app.web.route import Body, Call
from gateway.inventory import quarantine, reviews, secrets
from gateway.inventory.jobs import Job, JobKind, JobState
from gateway.inventory.quarantine import Stranger
from gateway.inventory.reviews import Case
from runtime.store import Tx


def _plain(secret: SecretStr) -> SecretStr:
    no_odd_characters(secret.get_secret_value())
    return secret


Secret = Annotated[SecretStr, Field(max_length=200), AfterValidator(_plain)]
HostKey = Annotated[str, StringConstraints(pattern=r"^[ -~]{0,2000}$")]
Event = Annotated[OptionalText, Field(max_length=80)]
Actor = Annotated[OptionalText, Field(max_length=80)]


class Reach(Body):
    """How a box is reached. Its secrets are kept sealed and never shown again."""

    address: Annotated[OptionalText, Field(max_length=255)] = ""
    host_key: HostKey = ""
    username: Annotated[OptionalText, Field(max_length=200)] = ""
    password: Secret | None = None
    auth_key: Secret | None = None
    priv_key: Secret | None = None
    community: Secret | None = None
    connection_username: Annotated[OptionalText, Field(max_length=200)] = ""
    connection_password: Secret | None = None

    def secrets(self) -> dict[str, str]:
        """Give what is to be sealed, by name."""
        told = {name: getattr(self, name) for name in secrets.KNOWN}
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in told.items()
            if value
        }


class RegisterBox(Body):
    """Which box, for whom. `model` makes a box known that nobody knows yet.

    The same `event` again is the same deed.
    """

    serial: Serial
    contract: Contract
    model: OptionalText = ""
    mac: Mac = ""
    place: Place = ""
    on: Day | None = None
    access: Reach | None = None
    event: Event = ""


class NewJob(Body):
    """What is to be done where, and by whom: by sign-in name or id, or by anybody (empty)."""

    kind: Annotated[str, Field(pattern=f"^({'|'.join(JobKind)})$")]
    contract: Contract
    assignee: Actor = ""
    note: Annotated[OptionalText, Field(max_length=254)] = ""
    event: Event = ""


class CloseJob(Body):
    """What has become of it."""

    outcome: Annotated[str, Field(pattern="^(done|cancelled)$")]


class AssignJob(Body):
    """Who does it, by sign-in name or id; empty gives it back to anybody."""

    assignee: Actor = ""


class JobQuery(Paging):
    """Which jobs: of somebody, in a state."""

    assignee: Actor = ""
    state: Annotated[str, Field(pattern=f"^({'|'.join(JobState)})$")] | None = None


class Decision(Body):
    """Which case, and what was decided; with `forget_key` the next registration pins another."""

    id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,160}$")]  # it holds a fingerprint
    resolution: Text
    forget_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job."""

    id: str
    kind: str
    contract: str
    assignee: str
    state: str
    note: str
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    closed_by: str | None

    @classmethod
    def of(cls, job: Job) -> JobView:
        """Show a job."""
        return cls(
            id=job.id,
            kind=job.kind.value,
            contract=job.contract,
            assignee=job.assignee,
            state=job.state.value,
            note=job.note,
            opened_at=job.opened_at,
            opened_by=job.opened_by,
            closed_at=job.closed_at,
            closed_by=job.closed_by,
        )


async def register_box(call: Call, tx: Tx) -> BoxView:
    """Register a box for a household: known, handed over, ready to show its first host key."""
    told: RegisterBox = call.body
    reach = told.access or Reach()
    wanted = Registration(
        serial=told.serial,
        contract=told.contract,
        model=told.model,
        mac=told.mac,
        place=told.place,
        on=told.on,
        address=reach.address,
        host_key=reach.host_key,
        secrets=reach.secrets(),
        event=told.event,
    )
    return await view(tx, await register(call.house, tx, wanted, by=By(actor=call.actor)))


async def list_jobs(call: Call) -> Page[JobView]:
    """List jobs in the order they were opened."""
    query: JobQuery = call.query
    after = query.behind_name()
    async with call.house.store.read() as tx:
        found = await desk_jobs.listing(
            tx,
            assignee=query.assignee,
            state=query.state or "",
            after=after,
            jobs_max=query.limit + 1,
        )
    return page(found, query.limit, JobView.of, lambda job: (job.id,))


async def open_job(call: Call, tx: Tx) -> JobView:
    """Open a job at a household."""
    told: NewJob = call.body
    job = await desk_jobs.open_job(
        call.house,
        tx,
        kind=told.kind,
        contract=told.contract,
        assignee=told.assignee,
        note=told.note,
        actor=call.actor,
        event=told.event,
    )
    return JobView.of(job)


async def close_job(call: Call, tx: Tx) -> JobView:
    """Close a job as done or cancelled."""
    id_, outcome = call.part("id"), call.body.outcome
    return JobView.of(await desk_jobs.close(call.house, tx, id_, outcome, actor=call.actor))


async def assign_job(call: Call, tx: Tx) -> JobView:
    """Give an open job to somebody, or back to anybody."""
    id_, assignee = call.part("id"), call.body.assignee
    return JobView.of(await desk_jobs.assign(call.house, tx, id_, assignee, actor=call.actor))


async def list_strangers(call: Call) -> Page[Stranger]:
    """List the boxes in quarantine, the newest first; they have no rights."""
    query: Paging = call.query
    behind = query.behind(datetime, str, str)
    async with call.house.store.read() as tx:
        found = await quarantine.waiting(tx, strangers_max=query.limit + 1, behind=behind)
    return page(found, query.limit, itself, lambda one: (one.last_at, one.serial, one.oui))


async def list_cases(call: Call) -> Page[Case]:
    """List what waits for a person: clones, conflicts, changed host keys; the newest first."""
    query: Paging = call.query
    behind = query.behind(datetime, str)
    async with call.house.store.read() as tx:
        found = await reviews.waiting(tx, cases_max=query.limit + 1, behind=behind)
    return page(found, query.limit, itself, lambda one: (one.seen_at, one.id))


async def resolve(call: Call, tx: Tx) -> Case:
    """Write down what was decided about a case; nothing else is changed by that."""
    told: Decision = call.body
    return await desk_reviews.resolve(
        call.house, tx, told.id, told.resolution, actor=call.actor, forget_key=told.forget_key
    )


ROUTES = (
    change("registrations", register_box, BoxView, body=RegisterBox, problems=[404]),
    look("jobs", list_jobs, Page[JobView], query=JobQuery),
    change("jobs", open_job, JobView, body=NewJob, problems=[404]),
    change("jobs/{id}/close", close_job, JobView, body=CloseJob),
    change("jobs/{id}/assign", assign_job, JobView, body=AssignJob),
    look("strangers", list_strangers, Page[Stranger], query=Paging),
    look("reviews", list_cases, Page[Case], query=Paging),
    change("reviews/resolve", resolve, Case, body=Decision, problems=[404]),
)
