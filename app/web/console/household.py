"""What staff does for one household from its page: forms, each done once and told on that page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from app.desk import (
    boxes,
    contact,
    deposits,
    loyalty,
    mending,
    paying,
    redeeming,
    segments,
    selling,
    vouchers,
)
from app.desk.boxes import Back, By, holder_of
from app.desk.mending import TEXT_CHARS_MAX
from app.desk.typed import plain
from app.identity.roles import Right
from app.web.console import debits, messaging, ways
from app.web.console.cashing import RECEIPTS
from app.web.console.forms import DeedForm
from app.web.console.sayings import told
from app.web.page.fields import Day, Points
from app.web.page.once import Ask, Deed, beside, in_one
from app.web.page.reply import see
from app.web.page.words import money, shown
from app.web.route import Call, Form, Route
from billing.flows.purchase import QUANTITY_MAX, Order
from billing.reads import purchases
from billing.vouchers.code import TYPED_CHARS_MAX
from gateway.inventory.model import SERIAL_CHARS_MAX
from gateway.provisioning.operate import Performed
from gateway.provisioning.orders import Outcome
from runtime.store import Tx
from terms.errors import Invalid
from terms.facts import Condition

if TYPE_CHECKING:
    from app.web.console.pages import Console

_HERE = "/console/accounts/{contract}"
_RESULTS = {
    Outcome.DONE: "done",
    Outcome.PENDING: "waits for the box to call",
    Outcome.FAILED: "not done",
    Outcome.UNKNOWN: "perhaps done",
}


class CashForm(DeedForm):
    """How much, and a reference of one's own; where there is none, we make one."""

    amount: Annotated[str, Field(min_length=1, max_length=20)]
    reference: Annotated[str, Field(max_length=100)] = ""


class ContactForm(DeedForm):
    """How the household is reached; empty where it is not."""

    phone: Annotated[str, Field(max_length=100)] = ""
    email: Annotated[str, Field(max_length=300)] = ""


class SegmentForm(DeedForm):
    """In which segment of dunning; empty is the usual one."""

    segment: Annotated[str, Field(max_length=40)] = ""


class PromiseForm(DeedForm):
    """By which day it is paid."""

    until: Day = None


class CodeForm(DeedForm):
    """The code of a promotion."""

    code: Annotated[str, Field(max_length=40)] = ""


class VoucherForm(DeedForm):
    """The code on a card."""

    code: Annotated[str, Field(max_length=TYPED_CHARS_MAX)] = ""


class SellForm(DeedForm):
    """What is sold, and how many of it."""

    code: Annotated[str, Field(min_length=1, max_length=40)]
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX)] = 1


class WithdrawForm(DeedForm):
    """Which sale is taken back."""

    sale: Annotated[str, Field(min_length=1, max_length=40)]


class SpendForm(DeedForm):
    """How many points become credit."""

    points: Points


class DepositForm(DeedForm):
    """Of which rental, and how much of its deposit is kept."""

    rental: Annotated[str, Field(min_length=1, max_length=40)]
    keep: Annotated[str, Field(min_length=1, max_length=20)]


class SwapForm(DeedForm):
    """Which box goes, which one takes its place, and how the old one is."""

    old: Annotated[str, Field(min_length=1, max_length=SERIAL_CHARS_MAX)]
    new: Annotated[str, Field(max_length=SERIAL_CHARS_MAX)] = ""
    condition: Literal["", "good", "faulty", "damaged", "scrap"] = ""


class MessageForm(DeedForm):
    """What stands on the screen."""

    text: Annotated[str, Field(max_length=TEXT_CHARS_MAX)] = ""


class HouseholdForms:
    """The forms of a household's page."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        return (
            self._inside("cash", _cash, Right.TAKE_MONEY, CashForm),
            self._inside("deposit", _deposit, Right.TAKE_MONEY, DepositForm),
            self._inside("refund", ways.refund, Right.TAKE_MONEY, ways.RefundForm),
            self._inside("method-default", ways.method_default, Right.CARE, ways.MethodForm),
            self._inside("method-remove", ways.method_remove, Right.CARE, ways.MethodForm),
            self._inside("mandate", debits.mandate, Right.CARE, debits.MandateForm),
            self._outside("method-link", ways.method_link, Right.SEE, DeedForm),
            self._inside("contact", _contact, Right.CARE, ContactForm),
            self._inside("offers", messaging.offers, Right.CARE, messaging.OffersForm),
            self._inside("segment", _segment, Right.CARE, SegmentForm),
            self._inside("promise", _promise, Right.CARE, PromiseForm),
            self._inside("redeem", _redeem, Right.CARE, CodeForm),
            self._form("voucher", _voucher, Right.TAKE_VOUCHERS, VoucherForm),
            self._inside("sell", _sell, Right.CARE, SellForm),
            self._inside("withdraw", _withdraw, Right.CARE, WithdrawForm),
            self._inside("join", _join, Right.CARE, DeedForm),
            self._inside("spend", _spend, Right.CARE, SpendForm),
            self._inside("restore", _restore, Right.CARE, DeedForm),
            self._inside("swap", _swap, Right.MOVE_BOXES, SwapForm),
            self._outside("restart", _restart, Right.CARE, DeedForm),
            self._outside("message", _message, Right.CARE, MessageForm),
            self._outside("pay-link", _pay_link, Right.SEE, DeedForm),
        )

    def _inside(self, name: str, deed: Deed, right: Right, form: type[Form]) -> Route:
        """Declare a form that changes something of ours."""
        return self._form(name, lambda call: in_one(call, deed), right, form)

    def _outside(self, name: str, ask: Ask, right: Right, form: type[Form]) -> Route:
        """Declare a form that asks a target or a provider."""
        return self._form(name, lambda call: beside(call, ask), right, form)

    def _form(self, name: str, done: Ask, right: Right, form: type[Form]) -> Route:
        async def handle(call: Call) -> web.Response:
            contract = quote(call.part("contract"), safe="")
            said = await told(call, done(call))
            return see(f"/console/accounts/{contract}?said={said}")

        path = f"{_HERE}/{name}"
        return Route(method="POST", path=path, policy=right, handler=handle, form=form)


async def _cash(call: Call, tx: Tx) -> str:
    form: CashForm = call.form
    contract = call.part("contract")
    amount = await paying.parse_amount(tx, contract, plain(form.amount))
    # Made of the form's key, so that the form sent again is the same receipt.
    reference = form.reference.strip() or f"DESK-{form.once[:12].upper()}"
    taken = await paying.take_cash(
        call.house, tx, contract, amount=amount, reference=reference, actor=call.actor
    )
    number = taken.receipt.number if taken.receipt else reference
    if not taken.is_new:
        return f"Reference {reference} was taken before, receipt {number}: nothing changed."
    return f"{money(amount)} is taken, receipt {number}.\n{RECEIPTS}/{number}"


async def _deposit(call: Call, tx: Tx) -> str:
    form: DepositForm = call.form
    done = await deposits.release(
        call.house,
        tx,
        form.rental,
        keep=plain(form.keep, "keep"),
        reason=form.reason.strip(),
        actor=call.actor,
        contract=call.part("contract"),
    )
    kept, freed = money(done.kept), money(done.freed)
    return f"Of the deposit of {done.serial} {kept} is kept, {freed} given back."


async def _contact(call: Call, tx: Tx) -> str:
    form: ContactForm = call.form
    kept = await contact.change(
        call.house,
        tx,
        call.part("contract"),
        phone=form.phone,
        email=form.email,
        actor=call.actor,
        reason=form.reason.strip(),
    )
    told = [part for part in (kept.phone, kept.email) if part]
    return f"Reached by {' and '.join(told)}." if told else "No telephone and no e-mail is kept."


async def _segment(call: Call, tx: Tx) -> str:
    form: SegmentForm = call.form
    await segments.change(
        call.house,
        tx,
        call.part("contract"),
        form.segment,
        actor=call.actor,
        reason=form.reason.strip(),
    )
    return f"It is in the {f'segment {form.segment}' if form.segment else 'usual segment'} now."


async def _promise(call: Call, tx: Tx) -> str:
    form: PromiseForm = call.form
    if form.until is None:
        raise Invalid("until", "choose a day")
    made = await paying.promise(
        call.house,
        tx,
        call.part("contract"),
        form.until,
        actor=call.actor,
        reason=form.reason.strip(),
    )
    return f"{money(made.amount)} is promised until {shown(made.until_on)}."


async def _redeem(call: Call, tx: Tx) -> str:
    form: CodeForm = call.form
    made = await redeeming.redeem(
        call.house, tx, call.part("contract"), form.code, call.actor, reason=form.reason.strip()
    )
    if made.from_on is None:
        return f"{made.name}."
    return f"{made.name} is taken off what is charged from {shown(made.from_on)} on."


async def _voucher(call: Call) -> str:
    """Take a card's money; guesses are counted in a transaction of their own, before."""
    form: VoucherForm = call.form
    contract = call.part("contract")

    async def taken(code: str) -> str:
        async def deed(call: Call, tx: Tx) -> str:
            why = form.reason.strip()
            done = await vouchers.redeem(
                call.house, tx, contract, code, actor=call.actor, reason=why
            )
            was = "is taken" if done.is_new else "was taken before: nothing changed"
            return f"{money(done.value)} of voucher {done.serial} {was}."

        return await in_one(call, deed)

    at = vouchers.DESK
    return await vouchers.guarded(
        call.house, form.code, taken, at=at, contract=contract, by=call.actor
    )


async def _sell(call: Call, tx: Tx) -> str:
    form: SellForm = call.form
    order = Order(offering=form.code.strip(), source="desk", ref=call.once, quantity=form.quantity)
    done = await selling.sell(
        call.house, tx, call.part("contract"), order, call.actor, reason=form.reason.strip()
    )
    return f"{done.quantity} of {done.name} is sold for {money(done.amount)} before tax."


async def _withdraw(call: Call, tx: Tx) -> str:
    form: WithdrawForm = call.form
    found = await purchases.one(tx, form.sale, await call.house.clock.business_now(tx))
    if found.contract != call.part("contract"):
        raise Invalid("sale", f"it is not of contract {call.part('contract')}")
    done = await selling.give_back(
        call.house, tx, form.sale, call.actor, reason=form.reason.strip()
    )
    return f"{done.name} is taken back: what was billed for it is given back."


async def _join(call: Call, tx: Tx) -> str:
    is_new = await loyalty.join(call.house, tx, call.part("contract"), call.actor)
    return "It collects points from now on." if is_new else "It collects points already."


async def _spend(call: Call, tx: Tx) -> str:
    form: SpendForm = call.form
    done = await loyalty.spend(
        call.house,
        tx,
        call.part("contract"),
        call.actor,
        points=form.points,
        reference=f"desk-{call.once[:32]}",
    )
    return f"{done.points} points are credit now, {done.left} are left."


async def _restore(call: Call, tx: Tx) -> str:
    form: DeedForm = call.form
    done = await mending.restore(
        call.house, tx, call.part("contract"), actor=call.actor, reason=form.reason.strip()
    )
    places = "1 place" if done.places == 1 else f"{done.places} places"
    return f"Money, rights and {places} at targets are looked at again."


async def _swap(call: Call, tx: Tx) -> str:
    form: SwapForm = call.form
    holder = await holder_of(tx, call.part("contract"))
    old = await boxes.known(tx, form.old)
    if old.service != holder.service or not old.is_held:
        raise Invalid("old", f"box {old.serial} is not with contract {holder.contract}")
    if not form.new.strip():
        raise Invalid("new", "type or scan the serial of the new box")
    condition = Condition(form.condition) if form.condition else None
    moved = await boxes.swap(
        call.house,
        tx,
        old.serial,
        form.new.strip(),
        by=By(actor=call.actor),
        back=Back(condition=condition, note=form.reason.strip()),
    )
    return f"Box {moved.serial} takes the place of {old.serial}."


async def _restart(call: Call) -> str:
    form: DeedForm = call.form
    done = await mending.restart(
        call.house,
        call.part("contract"),
        id=call.once,
        actor=call.actor,
        reason=form.reason.strip(),
    )
    return f"Restart: {_ended(done)}."


async def _message(call: Call) -> str:
    form: MessageForm = call.form
    done = await mending.tell(
        call.house, call.part("contract"), form.text, id=call.once, actor=call.actor
    )
    return f"Message: {_ended(done)}."


async def _pay_link(call: Call) -> str:
    link = await paying.pay_link(call.house, call.part("contract"))
    return f"{money(link.amount)} can be paid here:\n{link.url}"


def _ended(done: Sequence[Performed]) -> str:
    if not done:
        return "no target of this household can do that"
    return "; ".join(
        f"{one.target} {_RESULTS.get(one.outcome, one.outcome.value)}"
        + (f" ({one.error})" if one.error else "")
        for one in done
    )
