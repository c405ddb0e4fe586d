"""`boxoffice jobs` and `boxoffice review`: what technicians do, what waits for a person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.actor import By, Reason, actor
from app.cli.speak import Json, check_word, read, say, table, tell, write

if TYPE_CHECKING:
    from app.desk.places import Places
    from app.wiring import House
    from gateway.inventory.jobs import Job
    from gateway.inventory.reviews import Case
    from runtime.store import Tx


Id = Annotated[str, typer.Argument(help="As the list shows it.")]
Limit = Annotated[int, typer.Option(min=1, max=5000, help="How many.")]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="What technicians have to do.", no_args_is_help=True)
    group.command("open")(open_)
    group.command("list")(listing)
    group.command("assign")(assign)
    group.command("close")(close)
    cli.add_typer(group, name="jobs")
    trouble = typer.Typer(help="Boxes that somebody has to look at.", no_args_is_help=True)
    trouble.command("list")(review)
    trouble.command("resolve")(resolve)
    trouble.command("strangers")(strangers)
    cli.add_typer(trouble, name="review")


def open_(
    kind: Annotated[str, typer.Argument(help="install, swap or return.")],
    contract: Annotated[str, typer.Argument(help="The household's contract.")],
    *,
    to: Annotated[
        str, typer.Option(help="Who does it, by sign-in name; nobody yet unless said.")
    ] = "",
    note: Annotated[str, typer.Option(help="What whoever goes there should know.")] = "",
    event: Annotated[
        str, typer.Option(help="A number of your own: the same one again is the same job.")
    ] = "",
    by: By = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Open a job at a household."""

    async def step(house: House, tx: Tx) -> Job:
        from app.desk import jobs

        return await jobs.open_job(
            house,
            tx,
            kind=kind,
            contract=contract,
            assignee=to,
            note=note,
            actor=actor(by),
            event=event,
        )

    _done(step, reason=reason, as_json=as_json)


def listing(
    *,
    of: Annotated[str, typer.Option(help="Only those of this person, by sign-in name.")] = "",
    state: Annotated[str, typer.Option(help="open, done or cancelled; '' for all.")] = "open",
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List jobs in the order they were opened."""
    from gateway.inventory.jobs import JobState

    check_word("--state", state, JobState)

    async def story(_: House, tx: Tx) -> tuple[list[Job], Places]:
        from app.desk import jobs, places

        found = await jobs.listing(tx, assignee=of, state=state, jobs_max=limit)
        return found, await places.load(tx)

    found, known = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (j.id, j.kind.value, j.contract, known.who(j.assignee), j.state.value, j.note)
        for j in found
    ]
    table(("job", "what", "contract", "who", "is", "note"), rows)


def assign(
    job: Id,
    to: Annotated[
        str, typer.Argument(help="Who does it, by sign-in name; anybody unless said.")
    ] = "",
    *,
    by: By = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Give an open job to somebody, or back to anybody."""

    async def step(house: House, tx: Tx) -> Job:
        from app.desk import jobs

        return await jobs.assign(house, tx, job, to, actor=actor(by))

    _done(step, reason=reason, as_json=as_json)


def close(
    job: Id,
    *,
    cancelled: Annotated[
        bool, typer.Option("--cancelled", help="It is not to be done any more.")
    ] = False,
    by: By = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Close a job as done."""

    async def step(house: House, tx: Tx) -> Job:
        from app.desk import jobs

        outcome = "cancelled" if cancelled else "done"
        return await jobs.close(house, tx, job, outcome, actor=actor(by))

    _done(step, reason=reason, as_json=as_json)


def review(*, limit: Limit = 100, as_json: Json = False) -> None:
    """List what does not fit: clones, conflicts, changed host keys."""

    async def story(_: House, tx: Tx) -> list[Case]:
        from gateway.inventory import reviews

        return await reviews.waiting(tx, cases_max=limit)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [(one.id, f"{one.seen_at:%Y-%m-%d %H:%M}", str(one.count), one.reason) for one in found]
    table(("case", "last (UTC)", "times", "what"), rows)


def resolve(
    case: Id,
    resolution: Annotated[str, typer.Argument(help="What was decided.")],
    *,
    forget_key: Annotated[
        bool,
        typer.Option("--forget-key", help="Of a changed host key: the next claim pins another."),
    ] = False,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Write down what was decided about a case."""

    async def story(house: House, tx: Tx) -> Case:
        from app.desk import reviews

        return await reviews.resolve(
            house, tx, case, resolution, actor=actor(by), forget_key=forget_key
        )

    done = write(story)
    if as_json:
        tell(done)
    else:
        say(f"{done.id} is resolved: {done.resolution}")


def strangers(*, limit: Limit = 100, as_json: Json = False) -> None:
    """List boxes that call and that nobody has registered. They have no rights."""

    async def story(_: House, tx: Tx) -> list[Any]:
        from gateway.inventory import quarantine

        return await quarantine.waiting(tx, strangers_max=limit)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (one.serial, one.model, one.oui, one.address, f"{one.last_at:%Y-%m-%d %H:%M}")
        for one in found
    ]
    table(("serial", "model", "oui", "from", "last (UTC)"), rows)


def _done(step: Callable[[House, Tx], Awaitable[Job]], *, reason: str, as_json: bool) -> None:
    """Do something with one job in a transaction and say how it stands now."""

    async def story(house: House, tx: Tx) -> tuple[Job, str]:
        from app.desk import places

        job = await step(house, tx)
        return job, (await places.load(tx)).who(job.assignee)

    job, who = write(story, reason=reason)
    if as_json:
        tell(job)
        return
    whose = f" by {who}" if who else ""
    say(f"job {job.id} ({job.kind} for {job.contract}{whose}) is {job.state}")
