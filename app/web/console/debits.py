"""/console/bank/debits: what is announced, batches for the bank and what it says of them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from aiohttp import web
from pydantic import Field

from app.desk import debits
from app.identity.roles import Right
from app.web.console.banking import FILE_BYTES_MAX, FILE_CHARS_MAX
from app.web.console.forms import DeedForm
from app.web.console.sayings import SaidQuery, told
from app.web.cursor import cursor, cut, read_cursor
from app.web.page.fields import After, Day
from app.web.page.once import Deed, in_one
from app.web.page.reply import html, see
from app.web.page.words import Tone, money, shown
from app.web.route import Call, Form, Handler, Route
from billing.debits import codes
from billing.debits.model import Creditor
from billing.flows.debits.mandate import Wish
from billing.reads import debits as reading
from billing.reads.debits import BatchState, BatchView
from runtime.store import Tx

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH = "/console/bank/debits"
BATCHES_MAX = 20
HEARD_SHOWN = 5
_STATES: Mapping[BatchState, tuple[Tone, str]] = {
    BatchState.MADE: ("warn", "for the bank"),
    BatchState.HANDED_IN: ("calm", "handed in"),
    BatchState.BOOKED: ("good", "paid"),
    BatchState.RETURNED: ("bad", "all went back"),
    BatchState.WITHDRAWN: ("off", "withdrawn"),
}


class BatchesQuery(SaidQuery):
    """Behind which batch the page begins."""

    after: After = ""


class MakeForm(DeedForm):
    """Up to which day."""

    until: Day = None


class BatchForm(DeedForm):
    """Which batch."""

    batch: Annotated[str, Field(min_length=1, max_length=30)]


class ReportForm(DeedForm):
    """What stands in a report."""

    content: Annotated[str, Field(min_length=1, max_length=FILE_CHARS_MAX)]


class MandateForm(DeedForm):
    """Which account, whose, and when it was signed; or another account for a mandate."""

    iban: Annotated[str, Field(min_length=1, max_length=60)]
    holder: Annotated[str, Field(max_length=70)] = ""
    signed_on: Day = None
    method: Annotated[str, Field(max_length=40)] = ""


class Debits:
    """The page and its forms."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        return (
            self.console.page(PATH, self._show, BatchesQuery),
            self._form("make", _said(_make), MakeForm),
            self._form("file", self._file, BatchForm),
            self._form("hand-in", _said(_hand_in), BatchForm),
            self._form("withdraw", _said(_withdraw), BatchForm),
            self._form("report", _said(_hear), ReportForm, body_bytes_max=FILE_BYTES_MAX),
        )

    def _form(
        self, name: str, handler: Handler, form: type[Form], *, body_bytes_max: int = 64 * 1024
    ) -> Route:
        return Route(
            method="POST",
            path=f"{PATH}/{name}",
            policy=Right.TAKE_MONEY,
            handler=handler,
            form=form,
            body_bytes_max=body_bytes_max,
        )

    async def _show(self, call: Call) -> web.Response:
        query: BatchesQuery = call.query
        (after,) = read_cursor(query.after, str) or ("",)
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call, query.said)
            who = await reading.creditor(tx)
            coming = await reading.coming(tx)
            found = await reading.batches(tx, after=after, limit=BATCHES_MAX + 1)
        batches, last = cut(found, BATCHES_MAX)
        page = self.console.drawing.page(
            "debits",
            frame=frame,
            creditor=who,
            account=codes.masked(who.iban) if who else "",
            command=_command(who),
            coming=[(shown(one.collect_on), one) for one in coming],
            rows=[
                (one, *_state(one), shown(one.collect_on), shown(one.clear_on)) for one in batches
            ],
            next=cursor((last.id,)) if last else "",
        )
        return html(page)

    async def _file(self, call: Call) -> web.Response:
        """Give the file itself; each time somebody has it stands in the audit."""
        form: BatchForm = call.form
        content = b""

        async def deed() -> str:
            nonlocal content
            async with self.house.store.begin() as tx:
                content = await debits.file_of(
                    self.house, tx, form.batch, actor=call.actor, reason=form.reason.strip()
                )
            return ""

        said = await told(call, deed())
        if not content:
            return see(f"{PATH}?said={said}")
        name = f'attachment; filename="{form.batch}.xml"'
        return web.Response(
            body=content, content_type="application/xml", headers={"Content-Disposition": name}
        )


def _state(one: BatchView) -> tuple[Tone, str]:
    if one.state is BatchState.BOOKED and one.returned:
        return "warn", f"{one.returned} of {one.debits} went back, the rest is paid"
    return _STATES[one.state]


def _command(who: Creditor | None) -> str:
    """Write what sets up who collects, with the rules in force; the account is never in it."""
    if who is None:
        return 'boxoffice debits creditor DE98ZZZ09999999999 "NAME" --iban IBAN'
    told = ["boxoffice", "debits", "creditor", who.identifier, who.name, "--iban", "IBAN"]
    told += ["--bic", who.bic] if who.bic else []
    for field in ("notice_days", "lead_days", "cut_off_hour", "clear_days"):
        told += [f"--{field.replace('_', '-')}", str(getattr(who, field))]
    return shlex.join([*told, *(["--says-first"] if who.says_first else [])])


def _counted(debits: int) -> str:
    return "1 debit" if debits == 1 else f"{debits} debits"


def _said(deed: Deed) -> Handler:
    async def handle(call: Call) -> web.Response:
        return see(f"{PATH}?said={await told(call, in_one(call, deed))}")

    return handle


async def _make(call: Call, tx: Tx) -> str:
    form: MakeForm = call.form
    made = await debits.make(
        call.house, tx, until=form.until, actor=call.actor, reason=form.reason.strip()
    )
    if not made:
        return "Nothing is due: no batch was made."
    said = [f"{_counted(one.debits)} of {money(one.total)} in {one.id}" for one in made]
    moved = sum(one.moved for one in made)
    late = f" Too late for the day of {moved}: their payers are told the new one." if moved else ""
    return f"{', '.join(said)}: for the bank.{late}"


async def _hand_in(call: Call, tx: Tx) -> str:
    form: BatchForm = call.form
    await debits.hand_in(call.house, tx, form.batch, actor=call.actor, reason=form.reason.strip())
    return f"{form.batch} is handed in."


async def _withdraw(call: Call, tx: Tx) -> str:
    form: BatchForm = call.form
    gone = await debits.withdraw(
        call.house, tx, form.batch, actor=call.actor, reason=form.reason.strip()
    )
    return f"{form.batch} is withdrawn: {_counted(gone)} less."


async def _hear(call: Call, tx: Tx) -> str:
    form: ReportForm = call.form
    heard = await debits.hear(
        call.house, tx, form.content.encode(), actor=call.actor, reason=form.reason.strip()
    )
    said = [f"{_counted(heard.new)} went back, {heard.known} known already"]
    said += [one[0].upper() + one[1:] for one in debits.not_taken(heard, HEARD_SHOWN)]
    return " ".join(f"{one}." for one in said)


async def mandate(call: Call, tx: Tx) -> str:
    """Take a household's mandate, or another account for one that it has given."""
    form: MandateForm = call.form
    contract, reason = call.part("contract"), form.reason.strip()
    if form.method:
        label = await debits.amend(
            call.house, tx, contract, form.method, form.iban, actor=call.actor, reason=reason
        )
        return f"It is {label} from now on; the bank is told with the next debit."
    wish = Wish(iban=form.iban, holder=form.holder, signed_on=form.signed_on)
    given = await debits.give(call.house, tx, contract, wish, actor=call.actor, reason=reason)
    return f"Mandate {given.reference} of {given.label} stands."
