"""/registrations, /jobs, /strangers, /reviews: what technicians do, and what waits for a person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, SecretStr

from app.desk import jobs as desk_jobs
from app.desk import reviews as desk_reviews
from app.desk.boxes import By
from app.desk.registration import Registration, register
from app.web.api.boxes import BoxView, Place, view
from app.web.api.shapes import PAGE_MAX, PREFIX, Contract, OptionalText, Page, Paging, Serial, Text
from app.web.route import Body, Call, Policy, Query, Route
from gateway.inventory import jobs, quarantine, reviews, secrets
from gateway.inventory.jobs import Job, JobKind, JobState
from gateway.inventory.quarantine import Stranger
from gateway.inventory.reviews import Case

Secret = Annotated[SecretStr, Field(max_length=200)]
Event = Annotated[OptionalText, Field(max_length=80)]
Actor = Annotated[OptionalText, Field(max_length=80)]


class Reach(Body):
    """How a box is reached. Its secrets are kept sealed and never shown again."""

    address: Annotated[str, Field(max_length=255)] = ""
    host_key: Annotated[str, Field(max_length=2000)] = ""
    username: Annotated[str, Field(max_length=200)] = ""
    password: Secret | None = None
    auth_key: Secret | None = None
    priv_key: Secret | None = None
    community: Secret | None = None
    connection_username: Annotated[str, Field(max_length=200)] = ""
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
    mac: str = ""
    place: Place = ""
    on: date | None = None
    access: Reach | None = None
    event: Event = ""


class NewJob(Body):
    """What is to be done where, and by whom (empty: by anybody)."""

    kind: Annotated[str, Field(pattern=f"^({'|'.join(JobKind)})$")]
    contract: Contract
    assignee: Actor = ""
    note: Annotated[OptionalText, Field(max_length=254)] = ""
    event: Event = ""


class CloseJob(Body):
    """What has become of it."""

    outcome: Annotated[str, Field(pattern="^(done|cancelled)$")]


class AssignJob(Body):
    """Who does it."""

    assignee: Annotated[Text, Field(max_length=80)]


class JobQuery(Paging):
    """Which jobs: of somebody, in a state."""

    assignee: Annotated[str, Field(max_length=80)] = ""
    state: Annotated[str, Field(pattern=f"^({'|'.join(JobState)})$")] | None = None


class WaitingQuery(Query):
    """How many, the newest first."""

    limit: Annotated[int, Field(ge=1, le=PAGE_MAX)] = 100


class Decision(Body):
    """Which case, and what was decided; with `forget_key` the next registration pins another."""

    id: Annotated[str, Field(min_length=1, max_length=100)]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """Boxes that have called and that nobody has registered, the newest first."""

    items: list[Stranger]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """What does not fit together and waits for a person, the newest first."""

    items: list[Case]


async def register_box(call: Call) -> BoxView:
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
    async with call.house.store.begin() as tx:
        return await view(tx, await register(call.house, tx, wanted, by=By(actor=call.actor)))


async def list_jobs(call: Call) -> Page[JobView]:
    """List jobs in the order they were opened."""
    query: JobQuery = call.query
    async with call.house.store.read() as tx:
        found = await jobs.listing(
            tx,
            assignee=query.assignee,
            state=query.state or "",
            after=query.after,
            jobs_max=query.limit + 1,
        )
    shown = [JobView.of(job) for job in found[: query.limit]]
    return Page(items=shown, next=shown[-1].id if len(found) > query.limit else None)


async def open_job(call: Call) -> JobView:
    """Open a job at a household."""
    told: NewJob = call.body
    async with call.house.store.begin() as tx:
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


async def close_job(call: Call) -> JobView:
    """Close a job as done or cancelled."""
    id_, outcome = call.part("id"), call.body.outcome
    async with call.house.store.begin() as tx:
        return JobView.of(await desk_jobs.close(call.house, tx, id_, outcome, actor=call.actor))


async def assign_job(call: Call) -> JobView:
    """Give an open job to somebody."""
    id_, assignee = call.part("id"), call.body.assignee
    async with call.house.store.begin() as tx:
        return JobView.of(await desk_jobs.assign(call.house, tx, id_, assignee, actor=call.actor))


async def strangers(call: Call) -> Strangers:
    """List the boxes in quarantine; they have no rights."""
    async with call.house.store.read() as tx:
        found = await quarantine.waiting(tx, strangers_max=call.query.limit)
    return Strangers(items=found)


async def cases(call: Call) -> Cases:
    """List what waits for a person: clones, conflicts, changed host keys."""
    async with call.house.store.read() as tx:
        return Cases(items=await reviews.waiting(tx, cases_max=call.query.limit))


async def resolve(call: Call) -> Case:
    """Write down what was decided about a case; nothing else is changed by that."""
    told: Decision = call.body
    async with call.house.store.begin() as tx:
        return await desk_reviews.resolve(
            call.house, tx, told.id, told.resolution, actor=call.actor, forget_key=told.forget_key
        )


def _post(
    path: str, handler: Callable[[Call], Awaitable[Any]], body: type[Body], answer: Any
) -> Route:
    return Route(
        method="POST",
        path=f"{PREFIX}/{path}",
        policy=Policy.TOKEN,
        handler=handler,
        body=body,
        answer=answer,
    )


def _get(
    path: str, handler: Callable[[Call], Awaitable[Any]], query: type[Query], answer: Any
) -> Route:
    return Route(
        method="GET",
        path=f"{PREFIX}/{path}",
        policy=Policy.TOKEN,
        handler=handler,
        query=query,
        answer=answer,
    )


ROUTES = (
    _post("registrations", register_box, RegisterBox, BoxView),
    _get("jobs", list_jobs, JobQuery, Page[JobView]),
    _post("jobs", open_job, NewJob, JobView),
    _post("jobs/{id}/close", close_job, CloseJob, JobView),
    _post("jobs/{id}/assign", assign_job, AssignJob, JobView),
    _get("strangers", strangers, WaitingQuery, Strangers),
    _get("reviews", cases, WaitingQuery, Cases),
    _post("reviews/resolve", resolve, Decision, Case),
)
