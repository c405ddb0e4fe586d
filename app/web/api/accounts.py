"""/accounts: sign up, look at, change, cancel, take money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from app.desk import contracts, household, paying
from app.desk.signup import Household, sign_up
from app.web.api.account_view import AccountDocument, document
from app.web.api.rental_view import CreditNote, credit_note
from app.web.api.shapes import (
    PREFIX,
    Amount,
    AmountText,
    Code,
    Contract,
    OptionalText,
    Page,
    Paging,
    Serial,
    Text,
    VendorRef,
)
from app.web.route import Body, Call, Policy, Route
from billing.flows.cancel import When
from billing.flows.change import Change
from billing.flows.signup import MethodRef
from billing.reads import accounts, credit_notes
from gateway.inventory.flows import NewBox
from runtime.store import Tx

CODES_MAX = 50


class Box(Body):
    """A box handed over at sign-up; registered if it is not known."""

    serial: Serial
    model: Text
    mac: str = ""


class Payment(Body):
    """How the account is charged: references at a configured provider."""

    provider: Code
    customer: VendorRef
    method: VendorRef


class SignUpBody(Body):
    """Who wants what."""

    contract: Contract
    name: Text
    plan: Code
    addons: Annotated[list[Code], Field(max_length=CODES_MAX)] = Field(default_factory=list)
    phone: OptionalText = ""
    email: OptionalText = ""
    locale: Annotated[str, Field(pattern=r"^([a-z]{2,3}(-[A-Z]{2})?)?$")] = ""
    bill_day: Annotated[int, Field(ge=1, le=31)] | None = None
    box: Box | None = None
    payment: Payment | None = None


class ChangeBody(Body):
    """A new plan, more or fewer add-ons."""

    plan: Code | None = None
    add: Annotated[list[Code], Field(max_length=CODES_MAX)] = Field(default_factory=list)
    remove: Annotated[list[Code], Field(max_length=CODES_MAX)] = Field(default_factory=list)


class CancelBody(Body):
    """When it ends."""

    when: Annotated[str, Field(pattern="^(now|period_end)$")] = When.PERIOD_END.value


class PayLinkBody(Body):
    """By which provider, and where its page leads back to."""

    provider: Annotated[str, Field(max_length=40)] = ""
    return_url: Annotated[str, Field(max_length=2_000, pattern=r"^(https?://\S+)?$")] = ""


class CashBody(Body):
    """Money taken over the counter; the same receipt again is taken once."""

    amount: AmountText
    reference: Text


class AccountQuery(Paging):
    """Which accounts: whose contract begins, or whose name holds a text."""

    search: Annotated[str, Field(max_length=80)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """One row of the list."""

    contract: str
    name: str
    state: str | None
    owed: Amount
    credit: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class PayLink:
    """Where all that is owed can be paid."""

    url: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Whether the receipt was new; the books follow at once."""

    taken: bool


async def create(call: Call) -> AccountDocument:
    """Sign a household up."""
    body: SignUpBody = call.body
    box = None
    if body.box:
        box = NewBox(serial=body.box.serial, model=body.box.model, mac=body.box.mac or None)
    payment = MethodRef(**body.payment.model_dump()) if body.payment else None
    order = Household(
        contract=body.contract,
        name=body.name,
        plan=body.plan,
        addons=tuple(body.addons),
        phone=body.phone,
        email=body.email,
        locale=body.locale,
        bill_day=body.bill_day,
        box=box,
        payment=payment,
    )
    async with call.house.store.begin() as tx:
        await sign_up(call.house, tx, order, call.actor)
        return await _document(call, tx, body.contract)


async def listing(call: Call) -> Page[AccountLine]:
    """List accounts by contract."""
    query: AccountQuery = call.query
    async with call.house.store.read() as tx:
        found = await accounts.listing(
            tx, search=query.search, after=query.after, limit=query.limit
        )
    items = [
        AccountLine(
            contract=one.contract,
            name=one.name,
            state=one.state.value if one.state else None,
            owed=Amount.of(one.owed),
            credit=Amount.of(one.credit),
        )
        for one in found
    ]
    return Page(items=items, next=items[-1].contract if len(items) == query.limit else None)


async def show(call: Call) -> AccountDocument:
    """Show one household."""
    async with call.house.store.read() as tx:
        return await _document(call, tx, call.part("contract"))


async def change(call: Call) -> AccountDocument:
    """Change plan and add-ons."""
    body: ChangeBody = call.body
    wish = Change(plan=body.plan, add=tuple(body.add), remove=tuple(body.remove))
    async with call.house.store.begin() as tx:
        await contracts.change(call.house, tx, call.part("contract"), wish, call.actor)
        return await _document(call, tx, call.part("contract"))


async def cancel(call: Call) -> AccountDocument:
    """End a contract."""
    async with call.house.store.begin() as tx:
        when = When(call.body.when)
        await contracts.cancel(call.house, tx, call.part("contract"), when, call.actor)
        return await _document(call, tx, call.part("contract"))


async def pay_link(call: Call) -> PayLink:
    """Make a page on which all that is owed can be paid."""
    body: PayLinkBody = call.body
    link = await paying.pay_link(call.house, call.part("contract"), body.provider, body.return_url)
    return PayLink(url=link.url, amount=Amount.of(link.amount))


async def take_cash(call: Call) -> Taken:
    """Take money over the counter."""
    body: CashBody = call.body
    contract = call.part("contract")
    async with call.house.store.begin() as tx:
        amount = await paying.parse_amount(tx, contract, body.amount)
        taken = await paying.take_cash(
            call.house, tx, contract, amount=amount, reference=body.reference, actor=call.actor
        )
    return Taken(taken=taken)


async def show_note(call: Call) -> CreditNote:
    """Show a credit note by its number: what it gives back of which lines, and why as much."""
    async with call.house.store.read() as tx:
        return credit_note(await credit_notes.view(tx, call.part("number")))


async def _document(call: Call, tx: Tx, contract: str) -> AccountDocument:
    return document(await household.view(call.house, tx, contract))


ROUTES = (
    Route(
        method="POST",
        path=f"{PREFIX}/accounts",
        policy=Policy.TOKEN,
        handler=create,
        body=SignUpBody,
        answer=AccountDocument,
        status=201,
    ),
    Route(
        method="GET",
        path=f"{PREFIX}/accounts",
        policy=Policy.TOKEN,
        handler=listing,
        query=AccountQuery,
        answer=Page[AccountLine],
    ),
    Route(
        method="GET",
        path=f"{PREFIX}/accounts/{{contract}}",
        policy=Policy.TOKEN,
        handler=show,
        answer=AccountDocument,
    ),
    Route(
        method="POST",
        path=f"{PREFIX}/accounts/{{contract}}/change",
        policy=Policy.TOKEN,
        handler=change,
        body=ChangeBody,
        answer=AccountDocument,
    ),
    Route(
        method="POST",
        path=f"{PREFIX}/accounts/{{contract}}/cancel",
        policy=Policy.TOKEN,
        handler=cancel,
        body=CancelBody,
        answer=AccountDocument,
    ),
    Route(
        method="POST",
        path=f"{PREFIX}/accounts/{{contract}}/pay-link",
        policy=Policy.TOKEN,
        handler=pay_link,
        body=PayLinkBody,
        answer=PayLink,
        status=201,
    ),
    Route(
        method="POST",
        path=f"{PREFIX}/accounts/{{contract}}/payments",
        policy=Policy.TOKEN,
        handler=take_cash,
        body=CashBody,
        answer=Taken,
        status=201,
    ),
    Route(
        method="GET",
        path=f"{PREFIX}/credit-notes/{{number}}",
        policy=Policy.TOKEN,
        handler=show_note,
        answer=CreditNote,
    ),
)
