"""`boxoffice debits`, `mandates`: what households allow, batches for the bank, what it says."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.accounts import Contract
from app.cli.actor import Reason, actor
from app.cli.speak import Json, complain, counted, read, say, table, tell, write

if TYPE_CHECKING:
    from app.wiring import House
    from billing.debits.model import Creditor
    from billing.flows.debits.back import Heard
    from billing.flows.debits.mandate import Given
    from billing.flows.debits.present import Batch
    from billing.reads.debits import BatchView, Coming, DebitView, MandateView
    from runtime.store import Tx

BatchId = Annotated[str, typer.Argument(help="The batch, as `debits list` tells it.")]
Method = Annotated[str, typer.Argument(help="Its id, as `mandates list` tells it.")]
Iban = Annotated[str, typer.Option(help="The number of the account; it is kept sealed.")]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Direct debits (SEPA Core).", no_args_is_help=True)
    group.command("creditor")(creditor)
    group.command("coming")(coming)
    group.command("make")(make)
    group.command("list")(listing)
    group.command("show")(show)
    group.command("file")(file)
    group.command("hand-in")(hand_in)
    group.command("withdraw")(withdraw)
    group.command("hear")(hear)
    group.command("back")(went_back)
    cli.add_typer(group, name="debits")
    given = typer.Typer(help="What households allow us to collect.", no_args_is_help=True)
    given.command("give")(give)
    given.command("amend")(amend)
    given.command("list")(mandates)
    cli.add_typer(given, name="mandates")


def creditor(
    identifier: Annotated[str, typer.Argument(help="The creditor identifier.")],
    name: Annotated[str, typer.Argument(help="The name as the bank knows it.")],
    *,
    iban: Annotated[str, typer.Option(help="The account that is credited.")],
    bic: Annotated[str, typer.Option(help="Its bank, where that wants to be named.")] = "",
    notice_days: Annotated[int, typer.Option(help="Days between notice and debit.")] = 14,
    lead_days: Annotated[int, typer.Option(help="Business days the bank wants before.")] = 1,
    cut_off_hour: Annotated[int, typer.Option(help="Until when on these days it takes any.")] = 12,
    clear_days: Annotated[
        int, typer.Option(help="Business days without a return after which it is paid.")
    ] = 5,
    says_first: Annotated[
        bool, typer.Option(help="The bank wants the first debit of a mandate called so.")
    ] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Say who collects by direct debit, and by which rules."""

    async def story(house: House, tx: Tx) -> Creditor:
        from app.desk import debits
        from billing.debits.model import Creditor

        told = Creditor(
            identifier=identifier,
            name=name,
            iban=iban,
            bic=bic,
            notice_days=notice_days,
            lead_days=lead_days,
            cut_off_hour=cut_off_hour,
            clear_days=clear_days,
            says_first=says_first,
        )
        return await debits.collect_as(house, tx, told, actor=actor(), reason=reason)

    done = write(story)
    if as_json:
        tell(done)
    else:
        say(f"{done.name} collects as {done.identifier}")


def coming(*, as_json: Json = False) -> None:
    """List what is announced, by the day on which it is collected."""

    async def story(_: House, tx: Tx) -> list[Coming]:
        from billing.reads import debits

        return await debits.coming(tx)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [(str(one.collect_on), str(one.debits), f"{one.total}") for one in found]
    table(("collected on", "debits", "total"), rows)


def make(
    *,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Up to which day; the first possible one."),
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Put what is announced into batches, one for each day; what was paid since is left out."""

    async def story(house: House, tx: Tx) -> list[Batch]:
        from app.desk import debits

        day = until.date() if until else None
        return await debits.make(house, tx, until=day, actor=actor(), reason=reason)

    made = write(story)
    if as_json:
        tell(made)
        return
    for one in made:
        say(f"{one.id}: {counted(one.debits, 'debit', 'debits')}, {one.total}, {one.collect_on}")
        if one.moved:
            say(f"Too late for the day of {one.moved}: their payers are told the new one.")
    if not made:
        say("Nothing is due.")


def listing(
    *,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    as_json: Json = False,
) -> None:
    """List batches, the newest first."""

    async def story(_: House, tx: Tx) -> list[BatchView]:
        from billing.reads import debits

        return await debits.batches(tx, limit=limit)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            one.id,
            str(one.collect_on),
            str(one.debits),
            f"{one.total}",
            one.state.value,
            f"{one.returned} of {one.debits}" if one.returned else "0",
            "never" if one.state.value == "returned" else str(one.clear_on),
        )
        for one in found
    ]
    heads = ("batch", "collected on", "debits", "total", "state", "returned", "paid on")
    table(heads, rows)


def show(batch: BatchId, *, as_json: Json = False) -> None:
    """List the debits of a batch."""

    async def story(_: House, tx: Tx) -> list[DebitView]:
        from billing.reads import debits

        return await debits.debits(tx, batch)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (one.mark, one.number, f"{one.amount}", one.sequence, one.state.value, one.code)
        for one in found
    ]
    table(("debit", "account", "amount", "sequence", "state", "code"), rows)


def file(
    batch: BatchId,
    *,
    to: Annotated[Path, typer.Option(help="Where the file goes; a new one.")],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Write the file of a batch, pain.008.001.08: the same bytes each time."""

    async def story(house: House, tx: Tx) -> bytes:
        from app.desk import debits

        return await debits.file_of(house, tx, batch, actor=actor(), reason=reason)

    content = write(story)
    write_private(to, content)
    if as_json:
        tell({"batch": batch, "file": str(to), "bytes": len(content)})
    else:
        say(f"{to} is for the bank: {len(content)} bytes, with numbers of accounts in the clear")


def hand_in(batch: BatchId, *, reason: Reason = "", as_json: Json = False) -> None:
    """Note that the bank has the file: without returns its debits are paid some days later."""

    async def story(house: House, tx: Tx) -> bool:
        from app.desk import debits

        return await debits.hand_in(house, tx, batch, actor=actor(), reason=reason)

    is_new = write(story)
    if as_json:
        tell({"batch": batch, "is_new": is_new})
    else:
        say(f"{batch} is handed in" if is_new else f"{batch} was handed in before")


def withdraw(batch: BatchId, *, reason: Reason = "", as_json: Json = False) -> None:
    """Take a batch back that the bank never gets; what is owed of it is announced anew."""

    async def story(house: House, tx: Tx) -> int:
        from app.desk import debits

        return await debits.withdraw(house, tx, batch, actor=actor(), reason=reason)

    gone = write(story)
    if as_json:
        tell({"batch": batch, "debits": gone})
    else:
        say(f"{counted(gone, 'debit is', 'debits are')} not collected with {batch}")


def hear(
    report: Annotated[Path, typer.Argument(help="pain.002 or CAMT.054.")],
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Take up what the bank says was refused or went back; statements go to `bank take`."""

    async def story(house: House, tx: Tx) -> Heard:
        from app.desk import debits
        from terms.errors import Invalid

        try:
            with report.open("rb") as opened:
                data = opened.read(debits.FILE_BYTES_MAX + 1)
        except OSError as error:
            raise Invalid("file", f"{report}: {error.strerror}") from None
        if len(data) > debits.FILE_BYTES_MAX:
            raise Invalid("file", f"more than {debits.FILE_BYTES_MAX} bytes")
        return await debits.hear(house, tx, data, actor=actor(), reason=reason)

    heard = write(story)
    if as_json:
        tell(heard)
        return
    from app.desk.debits import not_taken

    say(f"{counted(heard.new, 'debit', 'debits')} went back, {heard.known} known already")
    for said in not_taken(heard):
        say(said)


def went_back(
    debit: Annotated[str, typer.Argument(help="The debit; or a block or a batch, all of it.")],
    *,
    code: Annotated[str, typer.Option(help="The bank's code of why, like AM04.")],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Say that a debit was refused or went back, where no report says it so that it is taken up."""

    async def story(house: House, tx: Tx) -> Heard:
        from app.desk import debits

        return await debits.went_back(house, tx, debit, code, actor=actor(), reason=reason)

    heard = write(story)
    if as_json:
        tell(heard)
    else:
        say(f"{counted(heard.new, 'debit', 'debits')} went back, {heard.known} known already")


def give(
    contract: Contract,
    *,
    iban: Iban,
    holder: Annotated[str, typer.Option(help="Who holds the account.")],
    signed_on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="When it was signed; today unless said."),
    ] = None,
    reference: Annotated[str, typer.Option(help="One that exists already elsewhere.")] = "",
    once: Annotated[bool, typer.Option(help="It is for one debit alone.")] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Take a household's mandate; from now on its account is debited."""

    async def story(house: House, tx: Tx) -> Given:
        from app.desk import debits
        from billing.flows.debits.mandate import Wish

        wish = Wish(
            iban=iban,
            holder=holder,
            signed_on=signed_on.date() if signed_on else None,
            reference=reference,
            is_once=once,
        )
        return await debits.give(house, tx, contract, wish, actor=actor(), reason=reason)

    given = write(story)
    if as_json:
        tell(given)
    else:
        again = "" if given.is_new else ", as it was before"
        say(f"Mandate {given.reference} of {given.label} stands{again}")


def amend(
    contract: Contract, method: Method, *, iban: Iban, reason: Reason = "", as_json: Json = False
) -> None:
    """Note that the holder of a mandate has another account; the bank is told with a debit."""

    async def story(house: House, tx: Tx) -> str:
        from app.desk import debits

        return await debits.amend(house, tx, contract, method, iban, actor=actor(), reason=reason)

    label = write(story)
    if as_json:
        tell({"method": method, "label": label})
    else:
        say(f"It is {label} from now on")


def mandates(contract: Contract, *, as_json: Json = False) -> None:
    """List the mandates of a household, the newest first."""

    async def story(house: House, tx: Tx) -> list[MandateView]:
        from billing.reads import debits

        today = (await house.clock.business_now(tx)).date()
        return await debits.mandates(tx, contract, today)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (
            one.method,
            one.reference,
            one.label,
            one.holder,
            str(one.signed_on),
            f"{one.state}{': ' + one.stopped if one.stopped else ''}",
        )
        for one in found
    ]
    table(("method", "mandate", "account", "holder", "signed on", "state"), rows)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, and never over another one."""
    import os

    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise complain(f"{path}: {error.strerror}") from None
    with os.fdopen(opened, "wb") as target:
        target.write(content)
