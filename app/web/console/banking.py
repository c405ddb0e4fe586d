"""/console/bank: lines of statements that wait, whose they may be, and what people decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from aiohttp import web
from pydantic import Field

from app.desk import banking
from app.identity.roles import Right
from app.web.console.forms import DecideForm
from app.web.console.sayings import SaidQuery, told
from app.web.cursor import cursor, cut, read_cursor
from app.web.page.fields import After
from app.web.page.once import Deed
from app.web.page.reply import html, see
from app.web.page.words import Tone, money, shown
from app.web.route import Call, Form, Route
from billing.bank.model import EntryState, Why
from billing.flows.bank.decide import Share
from billing.flows.bank.review import WaitingLine, review
from billing.reads import bank
from runtime.store import Tx

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH = "/console/bank"
LINES_MAX, STATEMENTS_MAX, LAID_MAX = 50, 20, 10
FILE_CHARS_MAX, FILE_BYTES_MAX = 500_000, 2 * 1024 * 1024
TONES: Mapping[EntryState, tuple[Tone, str]] = {
    EntryState.REVIEW: ("warn", "to be looked at"),
    EntryState.SUSPENSE: ("bad", "in suspense"),
}
REASONS: Mapping[Why, str] = {
    Why.INVOICE: "names its invoice",
    Why.ACCOUNT: "names its account",
    Why.PAYER: "this payer pays for it",
    Why.NAME: "bears the name",
    Why.PERSON: "somebody left it here",
    Why.WEAK: "the number is too short to be sure",
    Why.SEVERAL: "it fits several accounts",
    Why.AMOUNT: "the amount is another one",
    Why.UNKNOWN: "nothing of it is known",
    Why.CURRENCY: "the account is kept in another currency",
    Why.VOID: "the invoice is void",
    Why.DEBIT: "money of ours went out",
    Why.COMES_BACK: "money of ours came back",
    Why.NO_PAYMENT: "what it takes back is not known",
}


class BankQuery(SaidQuery):
    """Behind which line the page begins."""

    after: After = ""


class LineForm(DecideForm):
    """Which line, and why."""

    line: Annotated[str, Field(max_length=26)]


class AsideForm(LineForm):
    """Which line is no customer's, and why."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


class AssignForm(LineForm):
    """Whose the line is: a contract, or several with their amounts, apart by spaces."""

    to: Annotated[str, Field(min_length=1, max_length=2_000)]


class ReturnForm(LineForm):
    """The line of the payment that a line takes back; of a split one its part, like LINE.2.

    Or the direct debit, by its mark.
    """

    of: Annotated[str, Field(max_length=40)]


class FileForm(Form):
    """What stands in a statement."""

    content: Annotated[str, Field(min_length=1, max_length=FILE_CHARS_MAX)]


class Banking:
    """The page and its forms."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        return (
            self.console.page(PATH, self._show, BankQuery),
            self._form("take", _take, FileForm, body_bytes_max=FILE_BYTES_MAX),
            self._form("assign", _assign, AssignForm),
            self._form("return", _take_back, ReturnForm),
            self._form("suspend", _suspend, LineForm),
            self._form("undo", _undo, LineForm),
            self._form("aside", _aside, AsideForm),
        )

    def _form(
        self, name: str, deed: Deed, form: type[Form], *, body_bytes_max: int = 64 * 1024
    ) -> Route:
        async def done(call: Call) -> str:
            async with self.house.store.begin() as tx:
                return await deed(call, tx)

        async def handle(call: Call) -> web.Response:
            return see(f"{PATH}?said={await told(call, done(call))}")

        return Route(
            method="POST",
            path=f"{PATH}/{name}",
            policy=Right.TAKE_MONEY,
            handler=handle,
            form=form,
            body_bytes_max=body_bytes_max,
        )

    async def _show(self, call: Call) -> web.Response:
        query: BankQuery = call.query
        (after,) = read_cursor(query.after, str) or ("",)
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call, query.said)
            found = await review(tx, after=after, limit=LINES_MAX + 1)
            count = await bank.waiting_count(tx)
            statements = await bank.statements(tx, limit=STATEMENTS_MAX)
            laid = await bank.lately(tx, limit=LAID_MAX)
            asides = await bank.asides(tx, limit=LAID_MAX)
        lines, last = cut(found, LINES_MAX)
        page = self.console.drawing.page(
            "bank",
            frame=frame,
            rows=[(_row(one), one) for one in lines],
            count=count,
            statements=[(shown(one.opened_on), shown(one.closed_on), one) for one in statements],
            laid=[(shown(one.booked_on), one) for one in laid],
            asides=[(shown(one.booked_on), one) for one in asides],
            reasons=REASONS,
            next=cursor((last.id,)) if last else "",
        )
        return html(page)


def _row(one: WaitingLine) -> dict[str, str]:
    tone, state = TONES[one.state]
    is_in = one.amount.amount_minor > 0
    return {
        "day": shown(one.booked_on),
        "tone": tone,
        "state": state,
        "why": REASONS.get(one.why, one.why.value),
        "way": "in" if is_in else "out",
        "only": one.candidates[0].number if is_in and len(one.candidates) == 1 else "",
    }


async def _take(call: Call, tx: Tx) -> str:
    form: FileForm = call.form
    found = await banking.take(call.house, tx, form.content.encode(), call.actor)
    said = ", ".join(f"{count} {state}" for state, count in sorted(found.states.items()))
    return f"Taken: {said or 'nothing new'}; {found.known} known already."


async def _assign(call: Call, tx: Tx) -> str:
    form: AssignForm = call.form
    parts = [one.partition("=") for one in form.to.split()]
    shares = [Share(contract=one, amount=amount if cut else None) for one, cut, amount in parts]
    done = await banking.assign(
        call.house, tx, form.line, shares, call.actor, reason=form.reason.strip()
    )
    return f"{money(done.line.amount)} goes to {', '.join(one.contract for one in shares)}."


async def _take_back(call: Call, tx: Tx) -> str:
    form: ReturnForm = call.form
    done = await banking.take_back(
        call.house, tx, form.line, form.of.strip(), call.actor, reason=form.reason.strip()
    )
    return f"{money(-done.line.amount)} is taken back."


async def _undo(call: Call, tx: Tx) -> str:
    form: LineForm = call.form
    done = await banking.undo(call.house, tx, form.line, call.actor, reason=form.reason.strip())
    return f"{money(done.line.amount)} waits again, above."


async def _suspend(call: Call, tx: Tx) -> str:
    form: LineForm = call.form
    done = await banking.suspend(call.house, tx, form.line, call.actor, reason=form.reason.strip())
    return f"{money(done.line.amount)} lies in suspense."


async def _aside(call: Call, tx: Tx) -> str:
    form: AsideForm = call.form
    why = form.reason.strip()
    done = await banking.set_aside(call.house, tx, form.line, call.actor, reason=why)
    return f"{money(done.line.amount)} is no customer's: {why}."
