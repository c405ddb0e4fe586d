"""/console/cash: one's own shift, those that wait for a second person, tills; /console/receipts."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from app.desk import business, cash, cash_paper
from app.desk.auditing import naming
from app.identity.roles import Right
from app.web.api.shapes import OfName, OfNumber
from app.web.console.forms import DeedForm
from app.web.console.sayings import CASH_DESK, SaidQuery, told
from app.web.cursor import cursor, cut, read_cursor
from app.web.page.fields import After
from app.web.page.once import Deed, in_one
from app.web.page.reply import html, see
from app.web.page.words import Tone, money
from app.web.route import Call, Form, Handler, Parts, Route
from billing.cash.model import EntryKind, ShiftState
from billing.flows.shifts import Counting
from billing.reads import cash as reading
from runtime.store import Tx

if TYPE_CHECKING:
    from app.web.console.pages import Console
    from app.wiring import House

SHIFTS_SHOWN = 50
PATH, RECEIPTS = CASH_DESK, "/console/receipts"
_STATES: dict[ShiftState, tuple[Tone, str]] = {
    ShiftState.OPEN: ("good", "open"),
    ShiftState.COUNTED: ("bad", "waits for a second person"),
    ShiftState.CLOSED: ("off", "closed"),
}
# In several currencies: 100.00; 5000 JPY.
Amounts = Annotated[str, Field(max_length=200)]


class ShiftsQuery(SaidQuery):
    """Behind which shift the list begins."""

    after: After = ""


class OpenForm(DeedForm):
    """At which till, and what is in its drawer: amounts apart by semicolons."""

    till: Annotated[str, Field(min_length=1, max_length=30)]
    float: Amounts = ""


class MoveForm(DeedForm):
    """To the safe or from it, how much, and why."""

    kind: Annotated[str, Field(max_length=10)]
    amount: Annotated[str, Field(min_length=1, max_length=20)]
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class CountForm(DeedForm):
    """What is in the drawer: amounts apart by semicolons."""

    shift: Annotated[str, Field(min_length=1, max_length=40)]
    counts: Amounts


class ShiftForm(DeedForm):
    """Which shift."""

    shift: Annotated[str, Field(min_length=1, max_length=40)]


class TillForm(DeedForm):
    """A till, where it stands, and what one person may say of it; what is empty stays."""

    till: Annotated[str, Field(min_length=1, max_length=30)]
    place: Annotated[str, Field(max_length=120)] = ""
    tolerance: Annotated[str, Field(max_length=20)] = ""


class RetireForm(DeedForm):
    """Which till."""

    till: Annotated[str, Field(min_length=1, max_length=30)]


class Cashing:
    """The pages and their forms."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house: House = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        return (
            self.console.page(PATH, self._show, ShiftsQuery),
            self._form("open", _open, OpenForm),
            self._form("move", _move, MoveForm),
            self._form("count", _count, CountForm),
            self._form("approve", _approve, ShiftForm),
            self._form("recount", _recount, ShiftForm),
            self._form("till", _till, TillForm, Right.RUN_BUSINESS),
            self._form("retire", _retire, RetireForm, Right.RUN_BUSINESS),
            self._paged(f"{PATH}/shifts/{{name}}", self._report, OfName),
            self._paged(f"{RECEIPTS}/{{number}}", self._receipt, OfNumber),
            Route(
                method="POST",
                path=f"{RECEIPTS}/{{number}}/print",
                policy=Right.TAKE_MONEY,
                handler=self._print,
                form=DeedForm,
                parts=OfNumber,
            ),
        )

    def _paged(self, path: str, handler: Handler, parts: type[Parts]) -> Route:
        return Route(
            method="GET",
            path=path,
            policy=Right.SEE,
            handler=handler,
            query=SaidQuery,
            parts=parts,
        )

    def _form(
        self, name: str, deed: Deed, form: type[Form], right: Right = Right.TAKE_MONEY
    ) -> Route:
        async def handle(call: Call) -> web.Response:
            back = PATH
            if isinstance(call.form, ShiftForm | CountForm):
                back = f"{PATH}/shifts/{quote(call.form.shift, safe='')}"
            return see(f"{back}?said={await told(call, in_one(call, deed))}")

        return Route(method="POST", path=f"{PATH}/{name}", policy=right, handler=handle, form=form)

    async def _show(self, call: Call) -> web.Response:
        query: ShiftsQuery = call.query
        behind = read_cursor(query.after, datetime, str)
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call, query.said)
            known = await business.find(tx)
            tills = await reading.tills(tx)
            found = await reading.shifts(tx, limit=SHIFTS_SHOWN + 1, behind=behind)
            unclosed = await reading.unclosed(tx)
            mine = [one for one in unclosed if one.cashier == call.actor]
            own = next((one for one in mine if one.state is ShiftState.OPEN), None)
            report = await reading.report(tx, own.name) if own else None
            named = await naming(tx)
            tolerances = [await cash.tolerance_of(tx, one) for one in tills]
        shifts, last = cut(found, SHIFTS_SHOWN)
        taken = {one.till for one in unclosed}
        page = self.console.drawing.page(
            "cash",
            frame=frame,
            report=report,
            kinds=cash_paper.WORDS,
            rows=[(one, *_STATES[one.state], named(one.cashier)) for one in shifts],
            next=cursor((last.opened_at, last.id)) if last else "",
            tills=list(zip(tills, tolerances, strict=True)),
            free=[one for one in tills if not one.is_retired and one.name not in taken],
            unclosed=[
                (one, one.state is ShiftState.COUNTED, named(one.cashier)) for one in unclosed
            ],
            currency=known.currency if known else "",
        )
        return html(page)

    async def _report(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call, call.query.said)
            found = await reading.report(tx, call.part("name"))
            named = await naming(tx)
        one = found.shift
        listed = base64.b64encode(cash_paper.listed(found).encode()).decode()
        page = self.console.drawing.page(
            "shift",
            frame=frame,
            report=found,
            state=_STATES[one.state],
            named=named,
            kinds=cash_paper.WORDS,
            is_own=one.cashier == call.actor,
            may_approve=one.state is ShiftState.COUNTED
            and call.actor not in (one.cashier, one.counted_by),
            csv=f"data:text/csv;base64,{listed}",
        )
        return html(page)

    async def _receipt(self, call: Call) -> web.Response:
        async with self.house.store.read() as tx:
            return await self._paper(tx, call, await reading.find_receipt(tx, call.part("number")))

    async def _print(self, call: Call) -> web.Response:
        """Count the print first: what is shown says whether it is the original or a copy."""
        async with self.house.store.begin() as tx:
            found = await cash.print_receipt(self.house, tx, call.part("number"), actor=call.actor)
            return await self._paper(tx, call, found, is_printed=True)

    async def _paper(
        self, tx: Tx, call: Call, found: reading.ReceiptView, *, is_printed: bool = False
    ) -> web.Response:
        named = await naming(tx)
        frame = await self.console.frame(tx, call)
        page = self.console.drawing.page(
            "receipt",
            frame=frame,
            one=found,
            receipt=found.receipt,
            cashier=named(found.receipt.cashier),
            is_printed=is_printed,
        )
        return html(page)


def _apart(text: str) -> list[str]:
    """Take amounts apart that are written one behind the other: 100.00; 5000 JPY."""
    return [part.strip() for part in text.split(";") if part.strip()]


async def _open(call: Call, tx: Tx) -> str:
    form: OpenForm = call.form
    one = await cash.open_shift(
        call.house,
        tx,
        form.till.strip(),
        _apart(form.float),
        actor=call.actor,
        reason=form.reason.strip(),
    )
    return f"Shift {one.name} is open: cash you take is in its drawer."


async def _move(call: Call, tx: Tx) -> str:
    form: MoveForm = call.form
    kind = EntryKind.PAID_IN if form.kind == EntryKind.PAID_IN.value else EntryKind.PAID_OUT
    await cash.move(call.house, tx, kind, form.amount, actor=call.actor, reason=form.reason)
    way = "from the safe" if kind is EntryKind.PAID_IN else "to the safe"
    return f"{form.amount.strip()} went {way}."


async def _count(call: Call, tx: Tx) -> str:
    form: CountForm = call.form
    done = await cash.count(
        call.house,
        tx,
        form.shift,
        _apart(form.counts),
        actor=call.actor,
        reason=form.reason.strip(),
    )
    return _counted(done)


async def _approve(call: Call, tx: Tx) -> str:
    form: ShiftForm = call.form
    return _counted(
        await cash.approve(call.house, tx, form.shift, actor=call.actor, reason=form.reason.strip())
    )


async def _recount(call: Call, tx: Tx) -> str:
    form: ShiftForm = call.form
    one = await cash.recount(
        call.house, tx, form.shift, actor=call.actor, reason=form.reason.strip()
    )
    return f"Shift {one.name} is open again: count its drawer once more."


async def _till(call: Call, tx: Tx) -> str:
    form: TillForm = call.form
    done = await cash.set_up(
        call.house,
        tx,
        form.till,
        place=form.place.strip() or None,
        tolerance=form.tolerance.strip() or None,
        actor=call.actor,
        reason=form.reason.strip(),
    )
    if not done.is_new:
        return f"Till {done.till.name} is changed: {done.words}."
    name = done.till.name
    return f"Till {name} is set up: {done.words}. Cash is taken in open shifts from now on."


async def _retire(call: Call, tx: Tx) -> str:
    form: RetireForm = call.form
    done = await cash.retire(
        call.house, tx, form.till, actor=call.actor, reason=form.reason.strip()
    )
    return f"Till {done.name} is retired."


def _counted(done: Counting) -> str:
    differs = ", ".join(money(one.difference) for one in done.counted) or "nothing"
    if done.shift.state is ShiftState.COUNTED:
        return f"It differs by {differs}: a second person has to close shift {done.shift.name}."
    return f"Shift {done.shift.name} is closed; it differs by {differs}."
